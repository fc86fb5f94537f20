// Mediatypes says which media type buildah gives to files of an artifact, with the newest Go: by extension, else by
// content, without parameters. It reads lines of JSON, {"name": "a.txt", "head": "base64"}, and prints a type for each.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"os"
	"strings"
)

type file struct {
	Name string `json:"name"`
	Head []byte `json:"head"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var f file
		if err := json.Unmarshal(in.Bytes(), &f); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(typeOf(f))
	}
}

func typeOf(f file) string {
	found := ""
	if dot := strings.LastIndex(f.Name, "."); dot >= 0 {
		found = mime.TypeByExtension(f.Name[dot:])
	}
	if found == "" {
		found = http.DetectContentType(f.Head)
	}
	if base, _, err := mime.ParseMediaType(found); err == nil {
		return base
	}
	return found
}
