package main

import (
	"context"
	"errors"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
)

type anthropicSDK struct{ client anthropic.Client }

func newAnthropic() sdk { return anthropicSDK{client: anthropic.NewClient()} }

func (s anthropicSDK) exchange(ctx context.Context, model string, stream, tools bool, result *Result) error {
	params := anthropic.MessageNewParams{
		Model:     anthropic.Model(model),
		MaxTokens: 512,
		Messages:  []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(question))},
	}
	if tools {
		params.Tools = []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{
			Name:        toolName,
			Description: anthropic.String(toolPurpose),
			InputSchema: anthropic.ToolInputSchemaParam{
				Properties: map[string]any{"location": map[string]any{"type": "string"}},
				Required:   []string{"location"},
			},
		}}}
	}
	for result.Turns < maxToolTurns {
		result.Turns++
		message, err := s.ask(ctx, params, stream, result)
		if err != nil {
			return err
		}
		result.Text, result.Finish, result.Answered = "", string(message.StopReason), string(message.Model)
		result.Usage.Input += message.Usage.InputTokens
		result.Usage.Output += message.Usage.OutputTokens
		var answers []anthropic.ContentBlockParamUnion
		for _, block := range message.Content {
			switch block := block.AsAny().(type) {
			case anthropic.TextBlock:
				result.Text += block.Text
			case anthropic.ToolUseBlock:
				result.tool(block.ID, block.Name, string(block.Input))
				answers = append(answers, anthropic.NewToolResultBlock(block.ID, toolAnswer, false))
			}
		}
		if len(answers) == 0 {
			return nil
		}
		params.Messages = append(params.Messages, message.ToParam(), anthropic.NewUserMessage(answers...))
	}
	return errors.New("the model never stopped calling tools")
}

func (s anthropicSDK) ask(
	ctx context.Context, params anthropic.MessageNewParams, stream bool, result *Result,
) (*anthropic.Message, error) {
	if !stream {
		return s.client.Messages.New(ctx, params)
	}
	started := time.Now()
	events := s.client.Messages.NewStreaming(ctx, params)
	defer events.Close()
	whole := anthropic.Message{}
	for events.Next() {
		event := events.Current()
		if err := whole.Accumulate(event); err != nil {
			return nil, err
		}
		if event.Type == "content_block_delta" {
			result.delta(started)
		}
	}
	return &whole, events.Err()
}

func (anthropicSDK) failure(err error) *Failure {
	var fault *anthropic.Error
	if errors.As(err, &fault) {
		return &Failure{Status: fault.StatusCode, Message: fault.Error()}
	}
	return &Failure{Message: err.Error()}
}
