package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// layerOf packs the files below root: in the order of their names, owned by root, with modes that do not depend on the umask
// of whoever laid them there. All are of 1970, so that a layer of the same files is the same in each release, and loaded once.
func layerOf(root string) (v1.Layer, error) {
	var packed bytes.Buffer
	writer := tar.NewWriter(&packed)
	// WalkDir goes through each directory in lexical order.
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		header, err := headerOf(root, path, entry)
		if err != nil {
			return err
		}
		if err := writer.WriteHeader(header); err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			return nil
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.Copy(writer, file)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil }
	return tarball.LayerFromOpener(opener, tarball.WithMediaType(types.OCILayer))
}

func headerOf(root, path string, entry fs.DirEntry) (*tar.Header, error) {
	inside, err := filepath.Rel(root, path)
	if err != nil {
		return nil, err
	}
	found, err := entry.Info()
	if err != nil {
		return nil, err
	}
	header := &tar.Header{Name: filepath.ToSlash(inside), ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
	switch mode := found.Mode(); {
	case mode.IsDir():
		header.Typeflag, header.Mode = tar.TypeDir, 0o755
		header.Name += "/"
		if mode&fs.ModeSticky != 0 {
			header.Mode = 0o1777
		}
	case mode.IsRegular():
		header.Typeflag, header.Mode, header.Size = tar.TypeReg, 0o644, found.Size()
		if mode&0o111 != 0 {
			header.Mode = 0o755
		}
	case mode&fs.ModeSymlink != 0:
		header.Typeflag, header.Mode = tar.TypeSymlink, 0o777
		if header.Linkname, err = os.Readlink(path); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%s: is neither file, directory nor link (%s), and an image should hold nothing else", inside, mode)
	}
	return header, nil
}
