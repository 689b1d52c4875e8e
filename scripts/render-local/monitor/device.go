package monitor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/gordonklaus/portaudio"

	"github.com/choirless/render/media"
)

// Device is where the sound goes. Close ends it; no pull runs afterwards.
type Device interface {
	io.Closer
	// Name is for a person.
	Name() string
}

// Puller fills a buffer of planar stereo whose first sample is heard at dac.
type Puller func(out [][]float32, dac time.Time)

// errNoCard says that there is nothing to play on.
var errNoCard = errors.New("no sound card")

// Open opens the system's output, or the silent device where there is none and
// for those who want none. The note says why it is silent; it is for a person.
func Open(mute bool, pull Puller) (d Device, note string) {
	if mute {
		return openSilent(pull, "muted"), ""
	}
	card, err := openCard(pull)
	if err == nil {
		return card, ""
	}
	return openSilent(pull, "no sound"), fmt.Sprintf("no sound: %v", err)
}

// card is PortAudio's default output.
type card struct {
	stream *portaudio.Stream
	name   string
}

func openCard(pull Puller) (_ *card, err error) {
	// ALSA writes its troubles to standard error, whoever asks.
	err = quietly(portaudio.Initialize)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			portaudio.Terminate()
		}
	}()
	info, err := portaudio.DefaultOutputDevice()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoCard, err)
	}
	if info == nil || info.MaxOutputChannels < 2 {
		return nil, errNoCard
	}
	p := portaudio.LowLatencyParameters(nil, info)
	p.Output.Channels, p.SampleRate = 2, float64(media.MixRate)
	c := &card{name: info.Name}
	err = quietly(func() (err error) {
		c.stream, err = portaudio.OpenStream(p, func(out [][]float32, t portaudio.StreamCallbackTimeInfo) {
			// The card's clock is not ours; what lies between is.
			pull(out, time.Now().Add(t.OutputBufferDacTime-t.CurrentTime))
		})
		if err != nil {
			return err
		}
		return c.stream.Start()
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", info.Name, err)
	}
	return c, nil
}

func (c *card) Name() string { return c.name }

func (c *card) Close() error {
	return errors.Join(c.stream.Stop(), c.stream.Close(), portaudio.Terminate())
}

// quietly runs f with standard error closed to what libraries print.
func quietly(f func() error) error {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return f()
	}
	defer null.Close()
	keep, err := syscall.Dup(2)
	if err != nil {
		return f()
	}
	defer syscall.Close(keep)
	if err := syscall.Dup3(int(null.Fd()), 2, 0); err != nil {
		return f()
	}
	defer syscall.Dup3(keep, 2, 0)
	return f()
}

// silent is a card that nobody hears and that is never late: buffers of 10 ms,
// by the wall clock.
type silent struct {
	name string
	quit chan struct{}
	work sync.WaitGroup
}

// silentBuffer is the size of a buffer, sample frames.
const silentBuffer = 480

func openSilent(pull Puller, name string) *silent {
	s := &silent{name: name, quit: make(chan struct{})}
	s.work.Go(func() { s.run(pull) })
	return s
}

func (s *silent) run(pull Puller) {
	out := [][]float32{make([]float32, silentBuffer), make([]float32, silentBuffer)}
	step := media.MixRate.Duration(silentBuffer)
	tick := time.NewTicker(step)
	defer tick.Stop()
	// A buffer is asked for one buffer before it is heard.
	next := time.Now().Add(step)
	for {
		select {
		case <-s.quit:
			return
		case now := <-tick.C:
			if now.Sub(next) > time.Second {
				next = now // the machine slept
			}
			for ; next.Before(now.Add(step)); next = next.Add(step) {
				pull(out, next)
			}
		}
	}
}

func (s *silent) Name() string { return s.name }

func (s *silent) Close() error {
	close(s.quit)
	s.work.Wait()
	return nil
}
