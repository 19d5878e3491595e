// Command interop checks a checkpoint and the leaves of its log by the packages that the Go checksum database is made of.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// stored is a tree in memory.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for at, index := range indexes {
		found[at] = s[index]
	}
	return found, nil
}

// check gives the size and the root that the note says and that the leaves, one in hex a line, come to.
func check(notePath, key, leavesPath string) (string, error) {
	signed, err := os.ReadFile(notePath)
	if err != nil {
		return "", err
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return "", err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return "", err
	}
	file, err := os.Open(leavesPath)
	if err != nil {
		return "", err
	}
	defer file.Close()
	var tree stored
	var count int64
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for ; lines.Scan(); count++ {
		leaf, err := hex.DecodeString(lines.Text())
		if err != nil {
			return "", err
		}
		hashes, err := tlog.StoredHashes(count, leaf, tree)
		if err != nil {
			return "", err
		}
		tree = append(tree, hashes...)
	}
	root, err := tlog.TreeHash(count, tree)
	if err != nil {
		return "", err
	}
	said := strings.Split(opened.Text, "\n")
	if said[1] != fmt.Sprint(count) || said[2] != root.String() {
		return "", fmt.Errorf("the note says %s and %s; the leaves come to %d and %s", said[1], said[2], count, root)
	}
	return fmt.Sprintf("%s %d %s", said[0], count, root), nil
}

func main() {
	found, err := check(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(found)
}
