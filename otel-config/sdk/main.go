// One model call, recorded. The environment says where to: see README.md beside this file.
package main

import (
	"context"
	"encoding/json"
	"log"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type part struct {
	Type    string `json:"type"`
	Content string `json:"content"`
}

type message struct {
	Role  string `json:"role"`
	Parts []part `json:"parts"`
}

func text(role, content string) string {
	encoded, err := json.Marshal([]message{{Role: role, Parts: []part{{Type: "text", Content: content}}}})
	if err != nil {
		log.Fatal(err)
	}
	return string(encoded)
}

func main() {
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	otel.SetTracerProvider(provider)
	// Without this the last spans stay in memory.
	defer func() {
		if err := provider.Shutdown(ctx); err != nil {
			log.Print(err)
		}
	}()

	_, span := otel.Tracer("example").Start(ctx, "chat gpt-4o-mini", trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	span.SetAttributes(
		attribute.String("gen_ai.operation.name", "chat"),
		attribute.String("gen_ai.provider.name", "openai"),
		attribute.String("gen_ai.request.model", "gpt-4o-mini"),
		attribute.String("user.id", "user-17"),
		attribute.String("session.id", "session-4"),
		attribute.String("gen_ai.input.messages", text("user", "What is OTLP?")),
	)
	// ... the call itself ...
	span.SetAttributes(
		attribute.Int("gen_ai.usage.input_tokens", 12),
		attribute.Int("gen_ai.usage.output_tokens", 5),
		attribute.String("gen_ai.output.messages", text("assistant", "A protocol.")),
	)
}
