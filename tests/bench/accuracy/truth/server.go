package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

const (
	head    = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
	role    = `{"role": "assistant", "content": ""}`
	million = 1_000_000
)

var (
	model = regexp.MustCompile(`"model":\s*"(t(\d+)-g(\d+)-n(\d+)-[^"]*)"`)
	words = strings.Fields("one two three four five six seven eight nine ten")
)

// stream is what is known of one answer. Token k left between TokensNs[k] and SentNs[k].
type stream struct {
	ID        string  `json:"id"` // as each of its events says it
	Model     string  `json:"model"`
	RequestID string  `json:"request_id"`
	RequestNs int64   `json:"request_ns"` // kernel's receipt of the request's last bytes
	TokensNs  []int64 `json:"tokens_ns"`
	SentNs    []int64 `json:"sent_ns"`
	EndNs     int64   `json:"end_ns"` // before the write that ends the body; 0: never reached
	EndSentNs int64   `json:"end_sent_ns"`
}

type server struct {
	sender  *sender
	mutex   sync.Mutex
	streams []*stream
}

func (s *server) accept(listener net.Listener, identity *tls.Config) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		wire, err := stamped(conn.(*net.TCPConn))
		if err != nil {
			conn.Close()
			continue
		}
		var line net.Conn = wire
		if identity != nil {
			line = tls.Server(wire, identity)
		}
		go s.converse(line, wire)
	}
}

func (s *server) converse(line net.Conn, wire *stampedConn) {
	defer line.Close()
	reader := bufio.NewReaderSize(line, 64<<10)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		if request.Method != http.MethodPost {
			if err := s.tell(line, request); err != nil {
				return
			}
			continue
		}
		if !s.answer(line, wire, request, body) {
			return
		}
	}
}

// answer sends the head, leaves the tokens to the sender and waits for their end.
func (s *server) answer(line net.Conn, wire *stampedConn, request *http.Request, body []byte) bool {
	found := model.FindSubmatch(body)
	if found == nil {
		io.WriteString(line, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
		return true
	}
	first, gap, tokens := number(found[2]), number(found[3]), int(number(found[4]))
	answer := &stream{
		Model:     string(found[1]),
		RequestID: request.Header.Get("X-Request-ID"),
		RequestNs: wire.receivedNs,
		TokensNs:  make([]int64, 0, tokens),
		SentNs:    make([]int64, 0, tokens),
	}
	s.mutex.Lock()
	s.streams = append(s.streams, answer)
	answer.ID = fmt.Sprintf("truth-%d", len(s.streams))
	s.mutex.Unlock()
	if _, err := line.Write(append([]byte(head), chunked(event(answer.ID, role, "null"))...)); err != nil {
		return false
	}
	said := prepared(answer.ID)
	firstNs := answer.RequestNs + first*million
	isWhole := make(chan bool, 1)
	send := func() int64 {
		sent := len(answer.TokensNs)
		payload, isLast := said[sent%len(said)], sent == tokens
		if isLast {
			payload = ending(answer.ID, tokens)
		}
		_, err := line.Write(payload)
		s.note(answer, wire, isLast)
		switch {
		case err != nil || isLast:
			isWhole <- err == nil
			return 0
		case sent+1 == tokens: // the end follows its last token by a millisecond
			return firstNs + int64(sent)*gap*million + million
		}
		return firstNs + int64(sent+1)*gap*million
	}
	s.sender.add(turn{firstNs, send})
	return <-isWhole
}

func (s *server) note(answer *stream, wire *stampedConn, isLast bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if isLast {
		answer.EndNs, answer.EndSentNs = wire.beforeNs, wire.afterNs
		return
	}
	answer.TokensNs = append(answer.TokensNs, wire.beforeNs)
	answer.SentNs = append(answer.SentNs, wire.afterNs)
}

// tell answers a GET: /streams?model=PREFIX, or the little that tools ask before they begin.
func (s *server) tell(line io.Writer, request *http.Request) error {
	var document any = map[string]any{"object": "list", "data": []map[string]string{{"id": "truth"}}}
	if request.URL.Path == "/streams" {
		document = s.told(request.URL.Query().Get("model"))
	}
	s.mutex.Lock()
	text, err := json.Marshal(document)
	s.mutex.Unlock()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(line, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	return err
}

func (s *server) told(prefix string) []*stream {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	told := []*stream{}
	for _, one := range s.streams {
		if strings.HasPrefix(one.Model, prefix) {
			told = append(told, one)
		}
	}
	return told
}

func number(digits []byte) int64 {
	value, _ := strconv.ParseInt(string(digits), 10, 32)
	return value
}

func event(id, delta, finish string) []byte {
	return fmt.Appendf(nil, `data: {"id": %q, "object": "chat.completion.chunk", "created": 1, "model": "truth", `+
		`"choices": [{"index": 0, "delta": %s, "finish_reason": %s}]}`+"\n\n", id, delta, finish)
}

func chunked(payload []byte) []byte {
	return fmt.Appendf(nil, "%x\r\n%s\r\n", len(payload), payload)
}

// prepared is done before the first token is due, so that a send is a write and nothing else.
func prepared(id string) [][]byte {
	made := make([][]byte, len(words))
	for index, word := range words {
		made[index] = chunked(event(id, `{"content": "`+word+` "}`, "null"))
	}
	return made
}

func ending(id string, tokens int) []byte {
	usage := fmt.Appendf(nil, `data: {"id": %q, "object": "chat.completion.chunk", "created": 1, "model": "truth", `+
		`"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": %d, "total_tokens": %d}}`+"\n\n", id, tokens, tokens+10)
	all := bytes.Join([][]byte{event(id, "{}", `"length"`), usage, []byte("data: [DONE]\n\n")}, nil)
	return append(chunked(all), "0\r\n\r\n"...)
}
