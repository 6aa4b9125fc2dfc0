package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"google.golang.org/genai"
)

type genAI struct {
	client *genai.Client
	err    error
}

func newGenAI() sdk {
	client, err := genai.NewClient(context.Background(), &genai.ClientConfig{Backend: genai.BackendGeminiAPI})
	return genAI{client: client, err: err}
}

func (s genAI) exchange(ctx context.Context, model string, wish wish, result *Result) error {
	if s.err != nil {
		return s.err
	}
	contents := []*genai.Content{genai.NewContentFromText(question, genai.RoleUser)}
	config := &genai.GenerateContentConfig{}
	if wish.tools {
		offered := &genai.Tool{}
		for _, tool := range tools {
			offered.FunctionDeclarations = append(offered.FunctionDeclarations, &genai.FunctionDeclaration{
				Name: tool.name, Description: tool.purpose, ParametersJsonSchema: tool.schema(),
			})
		}
		config.Tools = []*genai.Tool{offered}
	}
	if wish.structured {
		config.ResponseMIMEType, config.ResponseJsonSchema = "application/json", weather
	}
	for result.Turns < maxTurns {
		result.Turns++
		said := &genai.Content{Role: genai.RoleModel}
		usage, err := s.ask(ctx, model, contents, config, wish.stream, said, result)
		if err != nil {
			return err
		}
		if usage != nil {
			result.Usage.Input += int64(usage.PromptTokenCount)
			result.Usage.Output += int64(usage.CandidatesTokenCount + usage.ThoughtsTokenCount)
		}
		result.Text = ""
		var answers []*genai.Part
		for _, part := range said.Parts {
			if !part.Thought {
				result.Text += part.Text
			}
			if call := part.FunctionCall; call != nil {
				arguments, _ := json.Marshal(call.Args)
				result.tool(call.ID, call.Name, string(arguments))
				response := map[string]any{}
				_ = json.Unmarshal([]byte(answer(call.Name)), &response)
				answers = append(answers, &genai.Part{
					FunctionResponse: &genai.FunctionResponse{ID: call.ID, Name: call.Name, Response: response},
				})
			}
		}
		if len(answers) == 0 {
			return nil
		}
		contents = append(contents, said, &genai.Content{Role: genai.RoleUser, Parts: answers})
	}
	return errors.New("the model never stopped calling tools")
}

func (s genAI) ask(
	ctx context.Context, model string, contents []*genai.Content, config *genai.GenerateContentConfig, stream bool,
	said *genai.Content, result *Result,
) (usage *genai.GenerateContentResponseUsageMetadata, err error) {
	started := time.Now()
	add := func(reply *genai.GenerateContentResponse) error {
		if reply.UsageMetadata != nil {
			usage = reply.UsageMetadata
		}
		result.Answered = reply.ModelVersion
		if len(reply.Candidates) == 0 {
			return nil
		}
		candidate := reply.Candidates[0]
		result.Finish = string(candidate.FinishReason)
		if candidate.Content == nil {
			return nil
		}
		said.Parts = append(said.Parts, candidate.Content.Parts...)
		for _, part := range candidate.Content.Parts {
			if stream && (part.Text != "" || part.FunctionCall != nil) {
				return result.delta(started)
			}
		}
		return nil
	}
	if !stream {
		reply, err := s.client.Models.GenerateContent(ctx, model, contents, config)
		if err != nil {
			return nil, err
		}
		err = add(reply)
		return usage, err
	}
	for reply, err := range s.client.Models.GenerateContentStream(ctx, model, contents, config) {
		if err == nil {
			err = add(reply)
		}
		if err != nil {
			return nil, err
		}
	}
	return usage, nil
}

func (genAI) failure(err error) *Failure {
	var fault genai.APIError
	if errors.As(err, &fault) {
		return &Failure{Status: fault.Code, Type: fault.Status, Message: fault.Message}
	}
	return &Failure{Message: err.Error()}
}
