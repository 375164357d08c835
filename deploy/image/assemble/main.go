// Assemble makes an OCI image of directories, without a container engine, and always the same of the same files.
//
//	assemble image --output DIRECTORY --tar FILE --tag NAME:TAG --architecture amd64 --epoch SECONDS --label KEY=VALUE... ROOT...
//	assemble sbom --packages FILE --distribution debian-12 <PROGRAM.cdx.json >IMAGE.cdx.json
//
// Each ROOT becomes one layer. The image goes to DIRECTORY as an OCI layout, which registries take, and to FILE as what
// `docker load` reads; its digest is the one line on standard output.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// What a container of the image starts as: no shell could start anything else.
const (
	program = "/usr/local/bin/flink-admission"
	user    = "65532:65532"
)

func main() {
	command, arguments := "", []string{}
	if len(os.Args) > 1 {
		command, arguments = os.Args[1], os.Args[2:]
	}
	run, known := map[string]func([]string) error{"image": assembleImage, "sbom": completeSBOM}[command]
	if !known {
		fmt.Fprintf(os.Stderr, "assemble: `%s` is not one of image, sbom\n", command)
		os.Exit(2)
	}
	if err := run(arguments); err != nil {
		fmt.Fprintf(os.Stderr, "assemble %s: %v\n", command, err)
		os.Exit(1)
	}
}

// labels collects `--label KEY=VALUE`.
type labels map[string]string

func (l labels) String() string { return "" }

func (l labels) Set(pair string) error {
	key, value, found := strings.Cut(pair, "=")
	if !found {
		return fmt.Errorf("`%s` is not KEY=VALUE", pair)
	}
	l[key] = value
	return nil
}

func assembleImage(arguments []string) error {
	flags := flag.NewFlagSet("image", flag.ExitOnError)
	output := flags.String("output", "", "directory of the OCI layout; it must not be there yet")
	archive := flags.String("tar", "", "file for `docker load`")
	tag := flags.String("tag", "", "name and tag of the image")
	architecture := flags.String("architecture", "", "as Go names it: amd64, arm64")
	epoch := flags.Int64("epoch", 0, "when the image was made, in seconds")
	marks := labels{}
	flags.Var(marks, "label", "KEY=VALUE, any number")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *output == "" || *archive == "" || *architecture == "" || flags.NArg() == 0 {
		return fmt.Errorf("--output, --tar, --tag, --architecture and a ROOT are wanted")
	}
	reference, err := name.NewTag(*tag, name.WithDefaultRegistry(""))
	if err != nil {
		return fmt.Errorf("--tag: %w", err)
	}

	image, err := imageOf(flags.Args(), *architecture, time.Unix(*epoch, 0).UTC(), marks)
	if err != nil {
		return err
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	if err := writeLayout(*output, image, *architecture, reference.TagStr()); err != nil {
		return err
	}
	if err := tarball.WriteToFile(*archive, reference, image); err != nil {
		return err
	}
	fmt.Println(digest)
	return nil
}

func imageOf(roots []string, architecture string, created time.Time, marks labels) (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, root := range roots {
		layer, err := layerOf(root)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", root, err)
		}
		history := v1.History{Created: v1.Time{Time: created}, CreatedBy: "deploy/image/build"}
		image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: history})
		if err != nil {
			return nil, err
		}
	}
	found, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config := found.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", architecture, v1.Time{Time: created}
	config.Config = v1.Config{
		User:       user,
		Entrypoint: []string{program},
		WorkingDir: "/",
		Env:        []string{"PATH=/usr/local/bin"},
		Labels:     marks,
	}
	return mutate.ConfigFile(image, config)
}

func writeLayout(directory string, image v1.Image, architecture, tag string) error {
	if _, err := os.Stat(directory); err == nil {
		return fmt.Errorf("%s: is there already, and an old image in it would go out too; remove it", directory)
	}
	path, err := layout.Write(directory, empty.Index)
	if err != nil {
		return err
	}
	return path.AppendImage(image,
		layout.WithPlatform(v1.Platform{OS: "linux", Architecture: architecture}),
		layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": tag}))
}
