package main

import (
	"context"
	"errors"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"
)

type openAI struct{ client openai.Client }

func newOpenAI() sdk { return openAI{client: openai.NewClient(option.WithMaxRetries(0))} }

func (s openAI) exchange(ctx context.Context, model string, wish wish, result *Result) error {
	params := openai.ChatCompletionNewParams{
		Model:    model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(question)},
	}
	if wish.stream {
		params.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
	}
	if wish.tools {
		for _, tool := range tools {
			params.Tools = append(params.Tools, openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
				Name:        tool.name,
				Description: openai.String(tool.purpose),
				Parameters:  tool.schema(),
			}))
		}
	}
	if wish.structured {
		params.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{
			JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{
				Name: "weather", Schema: weather, Strict: openai.Bool(true),
			},
		}
	}
	for result.Turns < maxTurns {
		result.Turns++
		completion, err := s.ask(ctx, params, wish.stream, result)
		if err != nil {
			return err
		}
		if len(completion.Choices) == 0 {
			return errors.New("a completion without a choice")
		}
		choice := completion.Choices[0]
		result.Text, result.Finish, result.Answered = choice.Message.Content, choice.FinishReason, completion.Model
		result.Usage.Input += completion.Usage.PromptTokens
		result.Usage.Output += completion.Usage.CompletionTokens
		if len(choice.Message.ToolCalls) == 0 {
			return nil
		}
		params.Messages = append(params.Messages, choice.Message.ToParam())
		for _, call := range choice.Message.ToolCalls {
			result.tool(call.ID, call.Function.Name, call.Function.Arguments)
			params.Messages = append(params.Messages, openai.ToolMessage(answer(call.Function.Name), call.ID))
		}
	}
	return errors.New("the model never stopped calling tools")
}

func (s openAI) ask(
	ctx context.Context, params openai.ChatCompletionNewParams, stream bool, result *Result,
) (*openai.ChatCompletion, error) {
	if !stream {
		return s.client.Chat.Completions.New(ctx, params)
	}
	started := time.Now()
	events := s.client.Chat.Completions.NewStreaming(ctx, params)
	defer events.Close()
	whole := openai.ChatCompletionAccumulator{}
	for events.Next() {
		chunk := events.Current()
		if !whole.AddChunk(chunk) {
			return nil, errors.New("a chunk that does not fit those before it")
		}
		if len(chunk.Choices) > 0 && (chunk.Choices[0].Delta.Content != "" || len(chunk.Choices[0].Delta.ToolCalls) > 0) {
			if err := result.delta(started); err != nil {
				return nil, err
			}
		}
	}
	return &whole.ChatCompletion, events.Err()
}

func (openAI) failure(err error) *Failure {
	var fault *openai.Error
	if errors.As(err, &fault) {
		return &Failure{Status: fault.StatusCode, Type: fault.Type, Message: fault.Message}
	}
	return &Failure{Message: err.Error()}
}
