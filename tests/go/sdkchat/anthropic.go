package main

import (
	"context"
	"errors"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

type anthropicSDK struct{ client anthropic.Client }

func newAnthropic() sdk { return anthropicSDK{client: anthropic.NewClient(option.WithMaxRetries(0))} }

func (s anthropicSDK) exchange(ctx context.Context, model string, wish wish, result *Result) error {
	params := anthropic.MessageNewParams{
		Model:     anthropic.Model(model),
		MaxTokens: 512,
		Messages:  []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(question))},
	}
	if wish.tools {
		for _, tool := range tools {
			params.Tools = append(params.Tools, anthropic.ToolUnionParam{OfTool: &anthropic.ToolParam{
				Name:        tool.name,
				Description: anthropic.String(tool.purpose),
				InputSchema: anthropic.ToolInputSchemaParam{Properties: tool.properties, Required: tool.required()},
			}})
		}
	}
	if wish.structured {
		params.OutputConfig = anthropic.OutputConfigParam{Format: anthropic.JSONOutputFormatParam{Schema: weather}}
	}
	for result.Turns < maxTurns {
		result.Turns++
		message, err := s.ask(ctx, params, wish.stream, result)
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
				answers = append(answers, anthropic.NewToolResultBlock(block.ID, answer(block.Name), false))
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
			if err := result.delta(started); err != nil {
				return nil, err
			}
		}
	}
	return &whole, events.Err()
}

func (anthropicSDK) failure(err error) *Failure {
	var fault *anthropic.Error
	if errors.As(err, &fault) {
		return &Failure{Status: fault.StatusCode, Type: string(fault.Type()), Message: fault.Error()}
	}
	return &Failure{Message: err.Error()}
}
