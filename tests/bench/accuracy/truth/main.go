// Command truth answers chat completions on a known schedule and stamps every byte itself.
//
// The model name is the schedule: t200-g20-n51-ID is the first token after 200 ms, then one each 20 ms, 51 in all.
// It prints one JSON line (plain and TLS address, certificate file) once it listens, and ends when standard input
// does. GET /streams tells what was sent when. All stamps are CLOCK_MONOTONIC nanoseconds, which every process of
// the machine shares. It knows nothing of the programs that it judges.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	certificates := flag.String("certificates", "", "directory that gets the certificate of the TLS address (required)")
	flag.Parse()
	if err := serve(*certificates); err != nil {
		fmt.Fprintln(os.Stderr, "truth:", err)
		os.Exit(1)
	}
}

// serve blocks until standard input ends.
func serve(directory string) error {
	identity, file, err := makeIdentity(directory)
	if err != nil {
		return err
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &server{sender: newSender()}
	go server.sender.run()
	go server.accept(plain, nil)
	go server.accept(secure, identity)
	json.NewEncoder(os.Stdout).Encode(map[string]string{
		"plain":       "http://" + plain.Addr().String(),
		"tls":         "https://" + secure.Addr().String(),
		"certificate": file,
	})
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
