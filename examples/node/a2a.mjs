// Agents of A2A: a planner asks one that counts words, and a coder, who gets less than the planner has, asks it too.
import { ClientFactory, ClientFactoryOptions, JsonRpcTransportFactory } from '@a2a-js/sdk/client';
import { AgentEvent, DefaultRequestHandler, InMemoryTaskStore } from '@a2a-js/sdk/server';
import { jsonRpcHandler, UserBuilder } from '@a2a-js/sdk/server/express';
import { acting, Actor, Agent, anything, currentActor, each, fields, length, optional, SubAgent, Verifier } from 'deputize';
import { caller, EXTENSION, guard, signCalls } from 'deputize/a2a';
import express from 'express';

const AUDIENCE = 'https://words.example';
const TOOLS = { SendMessage: 'count', SendStreamingMessage: 'count' };
const [ana, planner, coder] = ['ana', 'planner', 'coder'].map((name) => Agent.generate(name));

let count = 0;
const message = (text, role, contextId = '') => ({
  messageId: `message-${(count += 1)}`, contextId, taskId: '', role, metadata: undefined, extensions: [], referenceTaskIds: [],
  parts: [{ content: { $case: 'text', value: text }, metadata: undefined, filename: '', mediaType: '' }],
});
const executor = {
  async execute({ userMessage, contextId }, bus) {
    const who = caller();
    const asked = who.chain.claims.length > 1 ? ', whom the planner asked' : ` for ${who.onBehalfOf}`;
    const words = userMessage.parts[0].content.value.split(' ').length;
    bus.publish(AgentEvent.message(message(`${who.caller}${asked}: ${words} words`, 2, contextId)));
    bus.finished();
  },
  async cancelTask() {},
};

const app = express();
const listening = app.listen(0, '127.0.0.1');
await new Promise((resolve) => listening.once('listening', resolve));
const url = `http://127.0.0.1:${listening.address().port}`;
const card = {
  name: 'words', description: 'counts words', version: '1', capabilities: { streaming: false, extensions: [] },
  skills: [], defaultInputModes: ['text/plain'], defaultOutputModes: ['text/plain'], securitySchemes: {}, securityRequirements: [], signatures: [],
  supportedInterfaces: [{ url, protocolBinding: 'JSONRPC', protocolVersion: '1.0', tenant: '' }],
};
const handler = new DefaultRequestHandler(card, new InMemoryTaskStore(), executor);
const requestHandler = guard(handler, new Verifier({ trust: ana, audience: AUDIENCE }), card, TOOLS);
app.use(jsonRpcHandler({ requestHandler, userBuilder: UserBuilder.noAuthentication }));

/** Messages of the user's, of texts that are not too long. */
const texts = (most) => {
  const parts = each(fields({ text: length(0, most) }));
  return { count: { message: fields({ messageId: anything(), role: 'ROLE_USER', parts }), configuration: optional(anything()) } };
};
const connect = (...interceptors) =>
  new ClientFactory(
    ClientFactoryOptions.createFrom(ClientFactoryOptions.default, { transports: [new JsonRpcTransportFactory()], clientConfig: { interceptors } }),
  ).createFromAgentCard(card);
const ask = async (client, text, options) => {
  try {
    return (await client.sendMessage({ tenant: '', message: message(text, 1), configuration: undefined, metadata: undefined }, options)).parts[0].content.value;
  } catch (error) {
    return error.message.split('denied: ')[1].split(':')[0];
  }
};

const may = new SubAgent(coder, texts(20), { ttl: '5m' }); // declared once, beside the sub-agent
console.log('without a proof:', await ask(await connect(), 'one two', { serviceParameters: { 'A2A-Extensions': EXTENSION } }));
const client = await connect(signCalls(currentActor, AUDIENCE, TOOLS));
await acting(new Actor(planner, ana.issue({ to: planner, tools: texts(100), maxDepth: 1 })), async () => {
  console.log(await ask(client, 'one two'));
  await acting(currentActor().handOver(may), async () => {
    console.log(await ask(client, 'one two three'));
    console.log('coder, a longer text:', await ask(client, 'one two three four five'));
  });
});
listening.close();
