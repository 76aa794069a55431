package main

import (
	"syscall"
	"time"
	"unsafe"
)

const clockMonotonic = 1

// Go keeps its monotonic clock to itself; it is CLOCK_MONOTONIC less a constant, which is found once.
var epoch, epochNs = anchor()

func anchor() (time.Time, int64) {
	var best time.Time
	var bestNs, narrowest int64 = 0, 1 << 62
	for range 100 {
		before := systemMonotonicNs()
		now := time.Now()
		after := systemMonotonicNs()
		if after-before < narrowest {
			best, bestNs, narrowest = now, (before+after)/2, after-before
		}
	}
	return best, bestNs
}

func systemMonotonicNs() int64 {
	var spec syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&spec)), 0)
	return spec.Nano()
}

func monotonicNs() int64 {
	return epochNs + int64(time.Since(epoch))
}

// monotonicOf places a stamp of the wall clock, taken a moment ago, on the monotonic one.
func monotonicOf(wallNs int64) int64 {
	now := time.Now()
	return epochNs + int64(now.Sub(epoch)) - (now.UnixNano() - wallNs)
}
