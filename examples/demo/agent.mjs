// What the coder and the thief share: their place in the demo's conversation, and calls whose outcome is told as it is.
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { DeputizeError } from 'deputize';

const [PRESENTATION, DENIAL] = ['dev.deputize/presentation', 'dev.deputize/denial'];

export function tell(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** The next line that the demo sends. */
export async function hear() {
  const { value, done } = await lines.next();
  if (done) process.exit(0);
  return JSON.parse(value);
}

/** An MCP client over HTTP. */
export async function connect(name, url) {
  const client = new Client({ name, version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return client;
}

/** What the server made of a call: `allowed`, the code of the denial, or `tool-failed` if the tool ran and failed. */
export function outcome(result) {
  const text = result.content.find((part) => part.type === 'text')?.text ?? '';
  return { code: result.isError ? (result._meta?.[DENIAL]?.code ?? 'tool-failed') : 'allowed', text };
}

/** The outcome of a call with exactly this presentation. */
export async function present(client, presentation, tool, args) {
  const meta = presentation === undefined ? {} : { _meta: { [PRESENTATION]: presentation } };
  return outcome(await client.callTool({ name: tool, arguments: args, ...meta }));
}

/** The outcome of something that the SDK itself may refuse. */
export function attempt(action) {
  try {
    action();
    return { code: 'allowed', text: '' };
  } catch (error) {
    if (!(error instanceof DeputizeError)) throw error;
    return { code: error.code, text: error.message };
  }
}
