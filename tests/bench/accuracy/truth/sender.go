package main

import (
	"container/heap"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// longestNap bounds how late a stream can be whose first token is due at once.
const longestNap = 500 * time.Microsecond

// turn is one write that is due.
type turn struct {
	dueNs int64
	send  func() (nextNs int64) // 0: nothing follows
}

type turns []turn

func (t turns) Len() int           { return len(t) }
func (t turns) Less(i, j int) bool { return t[i].dueNs < t[j].dueNs }
func (t turns) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *turns) Push(one any)      { *t = append(*t, one.(turn)) }
func (t *turns) Pop() any {
	last := len(*t) - 1
	one := (*t)[last]
	*t = (*t)[:last]
	return one
}

// sender makes all timed writes from one thread: a goroutine for each stream would wait on Go's timers, which are
// a millisecond coarse, and cost several times as much.
type sender struct {
	mutex sync.Mutex
	work  *sync.Cond
	due   turns
}

func newSender() *sender {
	s := &sender{}
	s.work = sync.NewCond(&s.mutex)
	return s
}

func (s *sender) add(one turn) {
	s.mutex.Lock()
	heap.Push(&s.due, one)
	s.mutex.Unlock()
	s.work.Signal()
}

func (s *sender) run() {
	runtime.LockOSThread()
	for {
		s.mutex.Lock()
		for len(s.due) == 0 {
			s.work.Wait()
		}
		left := time.Duration(s.due[0].dueNs - monotonicNs())
		if left > 0 {
			s.mutex.Unlock()
			nap := syscall.NsecToTimespec(int64(min(left, longestNap)))
			syscall.Nanosleep(&nap, nil)
			continue
		}
		one := heap.Pop(&s.due).(turn)
		s.mutex.Unlock()
		if next := one.send(); next != 0 {
			s.add(turn{next, one.send})
		}
	}
}
