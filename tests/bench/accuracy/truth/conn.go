package main

import (
	"io"
	"net"
	"syscall"
	"time"
	"unsafe"
)

const soTimestampNs = 35 // SO_TIMESTAMPNS of asm-generic/socket.h

// stampedConn knows when the kernel received its newest bytes, and between which moments its newest ones left.
type stampedConn struct {
	*net.TCPConn
	raw                           syscall.RawConn
	receivedNs, beforeNs, afterNs int64
}

func stamped(conn *net.TCPConn) (*stampedConn, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var refused error
	err = raw.Control(func(fd uintptr) {
		refused = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, soTimestampNs, 1)
	})
	if err == nil {
		err = refused
	}
	return &stampedConn{TCPConn: conn, raw: raw}, err
}

func (c *stampedConn) Read(into []byte) (int, error) {
	var n, ancillary int
	var failed error
	control := make([]byte, 64)
	err := c.raw.Read(func(fd uintptr) bool {
		n, ancillary, _, _, failed = syscall.Recvmsg(int(fd), into, control, 0)
		return failed != syscall.EAGAIN
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, io.EOF
	}
	c.receivedNs = kernelNs(control[:ancillary])
	return n, nil
}

func kernelNs(control []byte) int64 {
	messages, err := syscall.ParseSocketControlMessage(control)
	if err == nil {
		for _, message := range messages {
			if message.Header.Type == soTimestampNs && len(message.Data) >= 16 {
				spec := (*syscall.Timespec)(unsafe.Pointer(&message.Data[0]))
				return monotonicOf(time.Unix(spec.Sec, spec.Nsec).UnixNano())
			}
		}
	}
	return monotonicNs()
}

func (c *stampedConn) Write(bytes []byte) (int, error) {
	c.beforeNs = monotonicNs()
	n, err := c.TCPConn.Write(bytes)
	c.afterNs = monotonicNs()
	return n, err
}
