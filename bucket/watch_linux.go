package bucket

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// listen hears of changes to a directory through inotify(7). The common
// notification packages leave out "closed after writing", which is half of
// what is needed here.
func listen(path string) (<-chan notice, func(), error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, nil, os.NewSyscallError("inotify_init1", err)
	}
	const mask = unix.IN_CREATE | unix.IN_MODIFY | unix.IN_ATTRIB | unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO |
		unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR
	if _, err := unix.InotifyAddWatch(fd, path, mask); err != nil {
		unix.Close(fd)
		return nil, nil, &fs.PathError{Op: "inotify_add_watch", Path: path, Err: err}
	}
	file := os.NewFile(uintptr(fd), "inotify")
	notices, quit := make(chan notice), make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(notices)
		buf := make([]byte, 64<<10)
		for {
			n, err := file.Read(buf)
			if err != nil {
				return // closed by stop
			}
			for _, heard := range decodeInotify(buf[:n]) {
				select {
				case notices <- heard:
				case <-quit:
					return
				}
			}
		}
	})
	return notices, func() {
		close(quit)
		file.Close()
		reader.Wait()
	}, nil
}

// decodeInotify reads struct inotify_event after struct inotify_event: four
// 32-bit fields (watch, mask, cookie, length of the name), then the name, padded
// with zeros.
func decodeInotify(b []byte) []notice {
	var notices []notice
	for len(b) >= unix.SizeofInotifyEvent {
		mask := binary.NativeEndian.Uint32(b[4:])
		size := int(binary.NativeEndian.Uint32(b[12:]))
		b = b[unix.SizeofInotifyEvent:]
		if size > len(b) {
			break
		}
		name, _, _ := bytes.Cut(b[:size], []byte{0})
		b = b[size:]
		n := notice{name: string(name)}
		switch {
		case mask&unix.IN_Q_OVERFLOW != 0:
			n = notice{kind: seen} // read it all
		case mask&(unix.IN_DELETE_SELF|unix.IN_MOVE_SELF|unix.IN_UNMOUNT|unix.IN_IGNORED) != 0:
			n = notice{kind: gone}
		case n.name == "":
			continue // the directory's own attributes
		case mask&(unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO) != 0:
			n.kind = finished
		case mask&(unix.IN_DELETE|unix.IN_MOVED_FROM) != 0:
			n.kind = gone
		case mask&(unix.IN_CREATE|unix.IN_MODIFY) != 0:
			n.kind = touched
		}
		notices = append(notices, n)
	}
	return notices
}

// writers tells whether any process has the file open for writing: then the
// kernel refuses a read lease with EAGAIN. The lease is given back at once; one
// who opens the file in between waits that long. Only the file's owner and root
// may ask.
func writers(f *os.File) writing {
	// Through the raw connection: File.Fd would make the file blocking.
	conn, err := f.SyscallConn()
	if err != nil {
		return unknown
	}
	answer := unknown
	err = conn.Control(func(fd uintptr) {
		_, err := unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_RDLCK)
		switch err {
		case nil:
			answer = no
			_, _ = unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_UNLCK)
		case unix.EAGAIN:
			answer = yes
		}
	})
	if err != nil {
		return unknown
	}
	return answer
}
