// Command ferretdb serves the MongoDB wire protocol from an embedded FerretDB v1 on SQLite.
//
// The tests of the MongoDB store run against it where no MongoDB server can be installed. It prints its
// MongoDB URI as the only line on standard output once it accepts connections, logs to standard error,
// and ends on SIGTERM or SIGINT.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// stopGrace bounds the wait for clients which keep their connections open.
const stopGrace = 500 * time.Millisecond

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "TCP address; port 0 takes a free one")
	state := flag.String("state", "", "directory of the database files (required)")
	level := slog.LevelError // one level lower, every refused command is logged whole
	flag.TextVar(&level, "log-level", level, "least level to log: DEBUG, INFO, WARN or ERROR")
	flag.Parse()

	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})))
	if err := serve(*listen, *state); err != nil {
		fmt.Fprintln(os.Stderr, "ferretdb:", err)
		os.Exit(1)
	}
}

// serve blocks until a signal asks it to end.
func serve(listen, state string) error {
	sqliteURL, err := sqliteURL(state)
	if err != nil {
		return err
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: listen},
		Handler:   "sqlite",
		SQLiteURL: sqliteURL,
	})
	if err != nil {
		return err
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, func() { time.AfterFunc(stopGrace, func() { os.Exit(0) }) })

	// New has already bound the port: a client which connects now waits in the backlog until Run accepts it.
	fmt.Println(server.MongoDBURI())
	return server.Run(ctx)
}

// sqliteURL names the SQLite files of the state directory, which it makes when missing.
//
// FerretDB also has a mode in memory; there a command that fails can hold the only connection for ever.
func sqliteURL(state string) (string, error) {
	if state == "" {
		return "", errors.New("give the directory of the database files as -state")
	}
	directory, err := filepath.Abs(state)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return "", err
	}
	return (&url.URL{Scheme: "file", Path: directory + "/"}).String(), nil
}
