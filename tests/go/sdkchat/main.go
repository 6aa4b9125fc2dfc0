// Sdkchat talks to a model with the vendors' own SDKs, as an application does: it names a model and nothing else. Base URLs
// and keys come from the SDKs' own environment variables.
//
//	sdkchat [-modes chat,stream,tools] [-interval 1s] openai:gpt-4o stream/anthropic:claude-sonnet-4-5
//
// Each exchange is one line of JSON on standard output. The exit status is 1 when one of them failed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	question = "What is the weather in Paris, and what time is it in Tokyo?"
	maxTurns = 4
)

// A tool that the application offers, and what it answers.
type tool struct {
	name, purpose string
	properties    map[string]any
	answer        string
}

var tools = []tool{
	{
		name:       "get_weather",
		purpose:    "Get the weather at a place",
		properties: map[string]any{"location": map[string]any{"type": "string"}},
		answer:     `{"celsius": 21, "sky": "clear"}`,
	},
	{
		name:    "get_time",
		purpose: "Tell the local time at a place",
		properties: map[string]any{
			"location": map[string]any{"type": "string"},
			"format":   map[string]any{"type": "string", "enum": []string{"12h", "24h"}},
		},
		answer: `{"time": "09:30"}`,
	},
}

func (t tool) schema() map[string]any {
	return map[string]any{"type": "object", "properties": t.properties, "required": t.required()}
}

func (tool) required() []string { return []string{"location"} }

// The shape of a structured answer.
var weather = map[string]any{
	"type": "object",
	"properties": map[string]any{
		"city":    map[string]any{"type": "string"},
		"celsius": map[string]any{"type": "integer"},
		"sky":     map[string]any{"type": "string"},
	},
	"required":             []string{"city", "celsius", "sky"},
	"additionalProperties": false,
}

var errCancelled = errors.New("the application does not want the rest of the stream")

// wish is what a mode asks for.
type wish struct{ stream, tools, structured bool }

func wishOf(mode string) wish {
	return wish{
		stream:     strings.HasSuffix(mode, "stream") || mode == "cancel",
		tools:      strings.HasPrefix(mode, "tools"),
		structured: strings.HasPrefix(mode, "structured"),
	}
}

// Result is one exchange, however many requests it took.
type Result struct {
	SDK      string     `json:"sdk"`
	Model    string     `json:"model"`
	Mode     string     `json:"mode"`
	OK       bool       `json:"ok"`
	Text     string     `json:"text,omitempty"`
	Deltas   int        `json:"deltas,omitempty"`
	Tools    []ToolCall `json:"tools,omitempty"`
	Finish   string     `json:"finish,omitempty"`
	Answered string     `json:"answered,omitempty"` // the model that the reply names
	Usage    Usage      `json:"usage"`
	Turns    int        `json:"turns"`
	Error    *Failure   `json:"error,omitempty"`
	Millis   int64      `json:"ms"`
	FirstMs  int64      `json:"firstMs,omitempty"` // until the first delta
}

// ToolCall is what the model asked the application to do.
type ToolCall struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

// Usage is in tokens.
type Usage struct {
	Input  int64 `json:"input"`
	Output int64 `json:"output"`
}

// Failure is an error as the SDK shows it; Status is 0 when there was no HTTP reply.
type Failure struct {
	Status  int    `json:"status,omitempty"`
	Type    string `json:"type,omitempty"`
	Message string `json:"message"`
}

// An sdk does one exchange. It fills the result as far as it comes; an error is added by the caller.
type sdk interface {
	exchange(ctx context.Context, model string, wish wish, result *Result) error
	failure(err error) *Failure
}

func main() {
	modes := flag.String("modes", "chat,stream,tools,tools-stream", "what to do with a model that says nothing itself")
	interval := flag.Duration("interval", 0, "pause, then start over, for ever; 0: once")
	timeout := flag.Duration("timeout", 30*time.Second, "for one exchange")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: sdkchat [flags] [MODES/]SDK:MODEL…")
		os.Exit(2)
	}
	// Built once, as an application does: each keeps its connections.
	sdks := map[string]sdk{
		"openai":           newOpenAI(),
		"openai-responses": newResponses(),
		"anthropic":        newAnthropic(),
		"genai":            newGenAI(),
	}
	for {
		failed := false
		for _, pair := range flag.Args() {
			name, model, _ := strings.Cut(pair, ":")
			own, bare, has := strings.Cut(name, "/")
			if has {
				name = bare
			} else {
				own = *modes
			}
			for _, mode := range strings.Split(own, ",") {
				result := run(sdks[name], name, model, mode, *timeout)
				failed = failed || !result.OK
				line, _ := json.Marshal(result)
				fmt.Println(string(line))
			}
		}
		if *interval == 0 {
			if failed {
				os.Exit(1)
			}
			return
		}
		time.Sleep(*interval)
	}
}

func run(client sdk, name, model, mode string, timeout time.Duration) Result {
	result := Result{SDK: name, Model: model, Mode: mode}
	started := time.Now()
	if client == nil {
		result.Error = &Failure{Message: "no such SDK: " + name}
		return result
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err := client.exchange(ctx, model, wishOf(mode), &result)
	if errors.Is(err, errCancelled) {
		result.Finish, err = "cancelled", nil
	}
	result.Millis = time.Since(started).Milliseconds()
	if err != nil {
		result.Error = client.failure(err)
	}
	result.OK = err == nil
	return result
}

// delta counts a piece of a streamed reply; its error ends the reading of a stream that is not wanted to its end.
func (r *Result) delta(started time.Time) error {
	if r.Deltas == 0 {
		r.FirstMs = time.Since(started).Milliseconds()
	}
	r.Deltas++
	if r.Mode == "cancel" {
		return errCancelled
	}
	return nil
}

// answer is what the tool of this name says.
func answer(name string) string {
	for _, tool := range tools {
		if tool.name == name {
			return tool.answer
		}
	}
	return "no such tool"
}

// tool notes a call; arguments that are no JSON are kept as a string, for the reader to see.
func (r *Result) tool(id, name, arguments string) {
	raw := json.RawMessage(arguments)
	if !json.Valid(raw) {
		raw, _ = json.Marshal(arguments)
	}
	r.Tools = append(r.Tools, ToolCall{ID: id, Name: name, Arguments: raw})
}
