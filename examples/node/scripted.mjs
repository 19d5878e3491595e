// A model that says what a script says, in place of one that thinks: for the examples of Mastra and the AI SDK.
/** Each turn is a text, a list of `[tool, arguments]`, or a function of the prompt that gives one of both. */
export function scripted(turns, version = 'v2') {
  const prompts = [];
  const usage = version === 'v2' ? { inputTokens: 1, outputTokens: 1, totalTokens: 2 } : { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
  const reason = (name) => (version === 'v2' ? name : { unified: name, raw: name });
  let count = 0;
  const next = (prompt) => {
    prompts.push(JSON.stringify(prompt));
    const turn = turns[Math.min(prompts.length, turns.length) - 1];
    const said = typeof turn === 'function' ? turn(prompt) : turn;
    if (typeof said === 'string') return { content: [{ type: 'text', text: said }], finishReason: reason('stop') };
    const content = said.map(([toolName, input]) => ({ type: 'tool-call', toolCallId: `call-${++count}-${Math.random()}`, toolName, input: JSON.stringify(input) }));
    return { content, finishReason: reason('tool-calls') };
  };
  return {
    specificationVersion: version, provider: 'scripted', modelId: 'scripted', supportedUrls: {}, prompts,
    doGenerate: async ({ prompt }) => ({ ...next(prompt), usage, warnings: [] }),
    doStream: async ({ prompt }) => {
      const { content, finishReason } = next(prompt);
      const parts = [{ type: 'stream-start', warnings: [] }];
      for (const part of content) {
        if (part.type === 'text') parts.push({ type: 'text-start', id: '1' }, { type: 'text-delta', id: '1', delta: part.text }, { type: 'text-end', id: '1' });
        else parts.push(part);
      }
      parts.push({ type: 'finish', finishReason, usage });
      return { stream: new ReadableStream({ start(controller) { for (const part of parts) controller.enqueue(part); controller.close(); } }) };
    },
  };
}
