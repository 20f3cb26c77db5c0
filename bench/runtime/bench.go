// SPDX-License-Identifier: MIT

// The workloads of the runtime table on Go: bench-go WORKLOAD [N]; run with GOMAXPROCS=1
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

func report(w string, v float64, unit string) { fmt.Printf("%s %.6g %s\n", w, v, unit) }
func per(w string, t time.Time, n int) {
	report(w, float64(time.Since(t).Nanoseconds())/float64(n), "ns")
}
func status(name string) float64 {
	b, _ := os.ReadFile("/proc/self/status")
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, name+":") {
			v, _ := strconv.Atoi(strings.Fields(l)[1])
			return float64(v) * 1024
		}
	}
	return 0
}
func cpu() float64 {
	var r syscall.Rusage
	syscall.Getrusage(0, &r)
	return float64(r.Utime.Nano() + r.Stime.Nano())
}
func spin(m int, wg *sync.WaitGroup) {
	for i := 0; i < m; i++ {
		runtime.Gosched()
	}
	wg.Done()
}

func main() {
	w, n := "", 0
	if len(os.Args) > 1 {
		w = os.Args[1]
	}
	if len(os.Args) > 2 {
		n, _ = strconv.Atoi(os.Args[2])
	}
	var wg sync.WaitGroup
	switch w {
	case "switch":
		m := 5000000
		wg.Add(2)
		t := time.Now()
		go spin(m, &wg)
		go spin(m, &wg)
		wg.Wait()
		per("switch", t, 2*m)
	case "ring":
		wg.Add(100000)
		for i := 0; i < 100000; i++ {
			go spin(21, &wg)
		}
		runtime.Gosched()
		t := time.Now()
		wg.Wait()
		per("switch_ring_100000", t, 2000000)
	case "spawn":
		m := 1000000
		t := time.Now()
		for i := 0; i < m; i++ {
			c := make(chan int, 1)
			go func() { c <- 1 }()
			<-c
		}
		per("spawn_join", t, m)
		t = time.Now()
		wg.Add(100000)
		for i := 0; i < 100000; i++ {
			go wg.Done()
		}
		wg.Wait()
		per("spawn_batch", t, 100000)
	case "sleepers":
		base := status("VmHWM")
		d := time.Second
		if n > 10000 {
			d = 4 * time.Second
		}
		if n > 100000 {
			d = 10 * time.Second
		}
		alive, peak := 0, 0
		wg.Add(n)
		for i := 0; i < n; i++ {
			go func() {
				alive++
				if alive > peak {
					peak = alive
				}
				time.Sleep(d)
				alive--
				wg.Done()
			}()
		}
		wg.Wait()
		if peak != n {
			fmt.Fprintln(os.Stderr, "only", peak, "slept at once")
			os.Exit(1)
		}
		report(fmt.Sprintf("sleepers_%d_mem", n), (status("VmHWM")-base)/float64(n), "B/task")
		report(fmt.Sprintf("sleepers_%d_cpu", n), cpu()/float64(n), "ns/task")
	case "queue":
		m := 10000000
		c := make(chan int, 128)
		wg.Add(2)
		t := time.Now()
		go func() {
			for i := 0; i < m; i++ {
				c <- i
			}
			wg.Done()
		}()
		go func() {
			for i := 0; i < m; i++ {
				<-c
			}
			wg.Done()
		}()
		wg.Wait()
		per("queue", t, m)
	case "sem":
		m := 100000
		s := make(chan struct{}, 10)
		wg.Add(m)
		t := time.Now()
		for i := 0; i < m; i++ {
			go func() { s <- struct{}{}; runtime.Gosched(); <-s; wg.Done() }()
		}
		wg.Wait()
		per("semaphore", t, m)
	case "mutex":
		var l sync.Mutex
		wg.Add(100)
		t := time.Now()
		for i := 0; i < 100; i++ {
			go func() {
				for j := 0; j < 10000; j++ {
					l.Lock()
					runtime.Gosched()
					l.Unlock()
				}
				wg.Done()
			}()
		}
		wg.Wait()
		per("mutex_handoff", t, 1000000)
	case "event":
		m := 100000
		e := make(chan struct{})
		wg.Add(m)
		for i := 0; i < m; i++ {
			go func() { <-e; wg.Done() }()
		}
		runtime.Gosched()
		t := time.Now()
		close(e)
		wg.Wait()
		per("event_broadcast", t, m)
	case "timers":
		m := 1000000
		t := time.Now()
		for i := 0; i < m; i++ {
			time.AfterFunc(time.Minute, func() {}).Stop()
		}
		per("timer_add_cancel", t, m)
		t = time.Now()
		ts := make([]*time.Timer, m)
		for i := range ts {
			ts[i] = time.AfterFunc(time.Minute+time.Duration(i*7919%m)*time.Microsecond, func() {})
		}
		for _, x := range ts {
			x.Stop()
		}
		per("timer_live_1e6", t, m)
		t = time.Now()
		for i := 0; i < m; i++ {
			c := make(chan int, 1)
			go func() { runtime.Gosched(); c <- 1 }()
			x := time.NewTimer(time.Minute)
			select {
			case <-c:
			case <-x.C:
			}
			x.Stop()
		}
		per("wait_for", t, m)
		t = time.Now()
		for i := 0; i < m; i++ {
			_, cancel := context.WithTimeout(context.Background(), time.Minute)
			runtime.Gosched()
			cancel()
		}
		per("timeout_block", t, m)
	case "thread": // the nearest there is: a goroutine that is bound to a thread, over channels
		m := n
		if m == 0 {
			m = 100000
		}
		ask, answer := make(chan int), make(chan int)
		go func() {
			runtime.LockOSThread()
			for v := range ask {
				answer <- v + 1
			}
		}()
		t := time.Now()
		for i := 0; i < m; i++ {
			ask <- i
			<-answer
		}
		per("to_thread", t, m)
	default:
		fmt.Fprintln(os.Stderr, "usage: bench-go switch|ring|spawn|sleepers|queue|sem|mutex|event|timers|thread [N]")
		os.Exit(2)
	}
}
