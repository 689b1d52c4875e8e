package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// A file format is read in leaps: the end for its index, then two or three
// places that move forward together, because audio and video of one moment lie
// apart. A request per read would be slow and one stream would be reopened at
// every leap, so the reader below keeps a few blocks, wherever they are, and
// fetches more of them at once while a place moves straight on. The sizes keep
// one reader at 4 MiB, since a node has many open; at 30 ms to an answer a
// megabyte at once is still 30 MB/s.
const (
	blockSize   = 256 << 10 // bytes
	maxBlocks   = 16        // kept by one reader
	maxReadRun  = 4         // blocks in one request
	noReadBlock = -1
)

// Open opens an object for reading anywhere in it. For a Dir the reader is the
// *os.File; for other buckets it reads ranges, some of them ahead. The reader
// is not safe for concurrent use; its reads may block and end with ctx, which
// has to live as long. When the object is replaced meanwhile a read fails with
// ErrChanged (a file goes on reading the old object). ErrNotFound.
func Open(ctx context.Context, b Bucket, key string) (io.ReadSeekCloser, Info, error) {
	if d, ok := b.(*Dir); ok {
		r, info, err := d.Get(ctx, key, Range{})
		if err != nil {
			return nil, Info{}, err
		}
		return r.(*os.File), info, nil
	}
	info, err := b.Stat(ctx, key)
	if err != nil {
		return nil, Info{}, err
	}
	return &rangeReader{ctx: ctx, bucket: b, info: info, blocks: map[int64]*block{}, ahead: 1, last: noReadBlock}, info, nil
}

// rangeReader is an io.ReadSeekCloser over Get with ranges.
type rangeReader struct {
	ctx    context.Context // of Open: io.Reader has no place for one
	bucket Bucket
	info   Info
	pos    int64

	blocks map[int64]*block // by number: offset / blockSize
	use    int64            // counts uses, to find the block used longest ago
	ahead  int64            // blocks in the next request
	last   int64            // the last block fetched
	closed bool
}

type block struct {
	data []byte
	used int64
}

// Read implements io.Reader.
func (r *rangeReader) Read(p []byte) (int, error) {
	switch {
	case r.closed:
		return 0, os.ErrClosed
	case len(p) == 0:
		return 0, nil
	case r.pos >= r.info.Size:
		return 0, io.EOF
	}
	b, err := r.block(r.pos / blockSize)
	if err != nil {
		return 0, err
	}
	n := copy(p, b.data[r.pos%blockSize:])
	r.pos += int64(n)
	return n, nil
}

// block returns a block, fetching it and some after it if need be.
func (r *rangeReader) block(number int64) (*block, error) {
	r.use++
	if b := r.blocks[number]; b != nil {
		b.used = r.use
		return b, nil
	}
	if number == r.last+1 && r.last != noReadBlock {
		r.ahead = min(2*r.ahead, maxReadRun)
	} else {
		r.ahead = 1
	}
	if err := r.fetch(number, r.ahead); err != nil {
		return nil, err
	}
	return r.blocks[number], nil
}

// fetch reads up to n blocks from number on into the cache; fewer at the end
// of the object or where one is there already.
func (r *rangeReader) fetch(number, n int64) (err error) {
	blocks := (r.info.Size + blockSize - 1) / blockSize
	end := number + 1
	for end < min(number+n, blocks) && r.blocks[end] == nil {
		end++
	}
	offset := number * blockSize
	length := min(end*blockSize, r.info.Size) - offset
	body, info, err := r.bucket.Get(r.ctx, r.info.Key, Range{offset, length})
	if err != nil {
		if errors.Is(err, ErrNotFound) {
			return fmt.Errorf("read %q: %w: deleted", r.info.Key, ErrChanged)
		}
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	if info.ETag != r.info.ETag || info.Size != r.info.Size {
		return fmt.Errorf("read %q: %w", r.info.Key, ErrChanged)
	}
	for ; number < end; number++ {
		b := r.room()
		b.data = b.data[:min(blockSize, r.info.Size-number*blockSize)]
		if _, err := io.ReadFull(body, b.data); err != nil {
			return fmt.Errorf("read %q at %d: %w", r.info.Key, number*blockSize, err)
		}
		b.used = r.use
		r.blocks[number] = b
		r.last = number
	}
	return nil
}

// room returns a block to fill: a new one, or the one used longest ago.
func (r *rangeReader) room() *block {
	if len(r.blocks) < maxBlocks {
		return &block{data: make([]byte, blockSize)}
	}
	oldest := int64(noReadBlock)
	for number, b := range r.blocks {
		if oldest == noReadBlock || b.used < r.blocks[oldest].used {
			oldest = number
		}
	}
	b := r.blocks[oldest]
	delete(r.blocks, oldest)
	b.data = b.data[:blockSize]
	return b
}

// Seek implements io.Seeker. It asks nothing of the server.
func (r *rangeReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.info.Size
	}
	if r.closed {
		return 0, os.ErrClosed
	}
	if offset < 0 {
		return 0, fmt.Errorf("read %q: seek to %d", r.info.Key, offset)
	}
	r.pos = offset
	return offset, nil
}

// Close implements io.Closer.
func (r *rangeReader) Close() error {
	r.closed = true
	r.blocks = nil
	return nil
}
