package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
)

// completeSBOM adds Debian's packages to the CycloneDX document of the program: an image is more than its crates.
func completeSBOM(arguments []string) error {
	flags := flag.NewFlagSet("sbom", flag.ExitOnError)
	packages := flags.String("packages", "", "file with a line a package: name, version, architecture, SHA-256")
	distribution := flags.String("distribution", "", "as package URLs name it: debian-12")
	if err := flags.Parse(arguments); err != nil {
		return err
	}

	var document map[string]any
	if err := json.NewDecoder(os.Stdin).Decode(&document); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	if document["bomFormat"] != "CycloneDX" {
		return fmt.Errorf("standard input: bomFormat is `%v`, not CycloneDX", document["bomFormat"])
	}
	components, _ := document["components"].([]any)
	added, err := componentsOf(*packages, *distribution)
	if err != nil {
		return err
	}
	document["components"] = append(components, added...)

	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(document)
}

// componentsOf reads the packages as components with a package URL, by which scanners look advisories up.
func componentsOf(path, distribution string) ([]any, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var components []any
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if len(words) != 4 {
			return nil, fmt.Errorf("%s: `%s` is not name, version, architecture and SHA-256", path, lines.Text())
		}
		// A plus sign means itself only when it is escaped.
		version := strings.ReplaceAll(words[1], "+", "%2B")
		url := fmt.Sprintf("pkg:deb/debian/%s@%s?arch=%s&distro=%s", words[0], version, words[2], distribution)
		components = append(components, map[string]any{
			"type": "library", "bom-ref": url, "name": words[0], "version": words[1], "purl": url,
			"hashes": []any{map[string]any{"alg": "SHA-256", "content": words[3]}},
		})
	}
	if len(components) == 0 {
		return nil, fmt.Errorf("%s: no package in it", path)
	}
	return components, lines.Err()
}
