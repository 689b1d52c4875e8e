// Command native runs the C and C++ rivals of package mix for bench-mix. It is a
// module of its own because it needs cgo and Debian's libebur128-dev and
// libzita-convolver-dev, which the product does not.
//
//	native loudness FILE.wav...            one line each: LUFS, LU, dBTP
//	native zita IN.wav IR.wav QUANTUM      prints CPU seconds and writes nothing
package main

// #cgo CXXFLAGS: -O2
// #cgo LDFLAGS: -lebur128 -lzita-convolver -lfftw3f -lpthread
// #include "native.h"
import "C"

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"syscall"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "native: error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) > 1 && args[0] == "loudness":
		for _, name := range args[1:] {
			if err := loudness(name); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	case len(args) == 4 && args[0] == "zita":
		return zita(args[1], args[2], args[3])
	}
	return errors.New("want: loudness FILE... or zita IN IR QUANTUM")
}

func loudness(name string) error {
	x, rate, err := read(name)
	if err != nil {
		return err
	}
	var i, r, p C.double
	if C.choir_loudness((*C.float)(&x[0]), C.long(len(x)/2), C.int(rate), &i, &r, &p) != 0 {
		return errors.New("libebur128 failed")
	}
	fmt.Printf("%.4f %.4f %.4f\n", float64(i), float64(r), 20*math.Log10(float64(p)))
	return nil
}

func zita(in, ir, quantum string) error {
	x, _, err := read(in)
	if err != nil {
		return err
	}
	h, _, err := read(ir)
	if err != nil {
		return err
	}
	q, err := strconv.Atoi(quantum)
	if err != nil {
		return err
	}
	// The tail is convolved as well, and whole quanta are needed.
	l, r := planes(x, len(x)/2+len(h)/2+q)
	hl, hr := planes(h, len(h)/2)
	start := cpu()
	if e := C.choir_zita((*C.float)(&l[0]), (*C.float)(&r[0]), C.long(len(l)), (*C.float)(&hl[0]), (*C.float)(&hr[0]), C.int(len(hl)), C.int(q)); e != 0 {
		return fmt.Errorf("zita-convolver: step %d failed", int(e))
	}
	fmt.Printf("%.4f\n", cpu()-start)
	return nil
}

func planes(x []float32, n int) (l, r []float32) {
	l, r = make([]float32, n), make([]float32, n)
	for i := 0; 2*i+1 < len(x); i++ {
		l[i], r[i] = x[2*i], x[2*i+1]
	}
	return l, r
}

func cpu() float64 {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)/1e6
}

// read takes a stereo float WAV as package mix writes it.
func read(name string) (x []float32, rate int, err error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, 0, err
	}
	at := bytes.Index(b, []byte("data"))
	if at < 0 || len(b) < at+16 || binary.LittleEndian.Uint16(b[22:]) != 2 {
		return nil, 0, errors.New("not a stereo WAV of ours")
	}
	rate = int(binary.LittleEndian.Uint32(b[24:]))
	for b = b[at+8:]; len(b) >= 4; b = b[4:] {
		x = append(x, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return x, rate, nil
}
