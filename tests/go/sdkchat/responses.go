package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
)

type responsesAPI struct{ client openai.Client }

func newResponses() sdk { return responsesAPI{client: openai.NewClient(option.WithMaxRetries(0))} }

func (s responsesAPI) exchange(ctx context.Context, model string, wish wish, result *Result) error {
	input := responses.ResponseInputParam{
		responses.ResponseInputItemParamOfMessage(question, responses.EasyInputMessageRoleUser),
	}
	params := responses.ResponseNewParams{
		Model:   model,
		Store:   openai.Bool(false),
		Include: []responses.ResponseIncludable{responses.ResponseIncludableReasoningEncryptedContent},
	}
	if wish.tools {
		for _, tool := range tools {
			offered := responses.ToolParamOfFunction(tool.name, tool.schema(), false)
			offered.OfFunction.Description = openai.String(tool.purpose)
			params.Tools = append(params.Tools, offered)
		}
	}
	if wish.structured {
		params.Text.Format = responses.ResponseFormatTextConfigParamOfJSONSchema("weather", weather)
	}
	for result.Turns < maxTurns {
		result.Turns++
		params.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: input}
		response, err := s.ask(ctx, params, wish.stream, result)
		if err != nil {
			return err
		}
		if response.Status != responses.ResponseStatusCompleted {
			return fmt.Errorf("the response is %s: %s", response.Status, response.Error.Message)
		}
		result.Text, result.Finish, result.Answered = response.OutputText(), string(response.Status), response.Model
		result.Usage.Input += response.Usage.InputTokens
		result.Usage.Output += response.Usage.OutputTokens
		called := false
		for _, item := range response.Output {
			// What the model said goes back as it came.
			input = append(input, param.Override[responses.ResponseInputItemUnionParam](json.RawMessage(item.RawJSON())))
			if item.Type != "function_call" {
				continue
			}
			called = true
			call := item.AsFunctionCall()
			result.tool(call.CallID, call.Name, call.Arguments)
			output := responses.ResponseInputItemParamOfFunctionCallOutput(answer(call.Name))
			output.OfFunctionCallOutput.CallID = openai.String(call.CallID)
			input = append(input, output)
		}
		if !called {
			return nil
		}
	}
	return errors.New("the model never stopped calling tools")
}

func (s responsesAPI) ask(
	ctx context.Context, params responses.ResponseNewParams, stream bool, result *Result,
) (*responses.Response, error) {
	if !stream {
		return s.client.Responses.New(ctx, params)
	}
	started := time.Now()
	events := s.client.Responses.NewStreaming(ctx, params)
	defer events.Close()
	var last *responses.Response
	for events.Next() {
		event := events.Current()
		switch event.Type {
		case "response.output_text.delta", "response.function_call_arguments.delta":
			if err := result.delta(started); err != nil {
				return nil, err
			}
		case "response.completed", "response.incomplete", "response.failed":
			last = &event.Response
		case "error":
			return nil, fmt.Errorf("error event %s: %s", event.Code, event.Message)
		}
	}
	if err := events.Err(); err != nil {
		return nil, err
	}
	if last == nil {
		return nil, errors.New("the stream ended without its last event")
	}
	return last, nil
}

func (responsesAPI) failure(err error) *Failure { return openAI{}.failure(err) }
