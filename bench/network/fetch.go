// SPDX-License-Identifier: MIT

// Fetcher on Go net/http with a semaphore channel: bench-fetch-go PORT N LIMIT, prints "ok seconds".
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	n, _ := strconv.Atoi(os.Args[2])
	limit, _ := strconv.Atoi(os.Args[3])
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConns: limit, MaxIdleConnsPerHost: limit, DisableCompression: true,
	}}
	sem := make(chan struct{}, limit)
	var wg sync.WaitGroup
	var ok int64
	t0 := time.Now()
	for i := 0; i < n; i++ {
		sem <- struct{}{}
		wg.Add(1)
		go func(i int) {
			defer func() { <-sem; wg.Done() }()
			r, err := client.Get("http://127.0.0.1:" + os.Args[1] + "/item/" + strconv.Itoa(i))
			if err != nil {
				return
			}
			_, err = io.ReadAll(r.Body)
			r.Body.Close()
			if err == nil && r.StatusCode == 200 {
				atomic.AddInt64(&ok, 1)
			}
		}(i)
	}
	wg.Wait()
	fmt.Printf("%d %.4f\n", ok, time.Since(t0).Seconds())
}
