// SPDX-License-Identifier: MIT
// files DIR N TASKS - read the files DIR/0 to DIR/N-1 whole, of 4 KiB each, TASKS at a time. Prints files a second.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	if len(os.Args) < 4 {
		os.Exit(2)
	}
	dir := os.Args[1]
	count, _ := strconv.Atoi(os.Args[2])
	tasks, _ := strconv.Atoi(os.Args[3])
	var next, good int64
	var all sync.WaitGroup
	start := time.Now()
	for t := 0; t < tasks; t++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := atomic.AddInt64(&next, 1) - 1; i < int64(count); i = atomic.AddInt64(&next, 1) - 1 {
				data, err := os.ReadFile(dir + "/" + strconv.FormatInt(i, 10))
				if err == nil && len(data) == 4096 {
					atomic.AddInt64(&good, 1)
				}
			}
		}()
	}
	all.Wait()
	if good != int64(count) {
		os.Exit(1)
	}
	fmt.Printf("files %.0f files/s\n", float64(count)/time.Since(start).Seconds())
}
