// An agent of LangChain.js: a call that needs approval interrupts the graph, until bo, a person, has signed it.
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { Command, MemorySaver, interrupt } from '@langchain/langgraph';
import { Actor, Agent, ApprovalPolicy, Approver, Verifier, acting } from 'deputize';
import { answer, caller, guard } from 'deputize/langchain';
import { createAgent } from 'langchain';
import { z } from 'zod';

/** A model that calls the tool, and then says that it is done. */
class Scripted extends BaseChatModel {
  _llmType() {
    return 'scripted';
  }

  bindTools() {
    return this;
  }

  async _generate(messages) {
    const calls = messages.at(-1).getType() === 'tool' ? [] : [{ name: 'deploy', args: { env: 'production' }, id: 'call-1', type: 'tool_call' }];
    return { generations: [{ text: '', message: new AIMessage({ content: calls.length === 0 ? 'done' : '', tool_calls: calls }) }] };
  }
}

const [ana, coder, bo] = ['ana', 'coder', 'bo'].map((name) => Agent.generate(name));
const verifier = new Verifier({ trust: [ana], audience: 'https://deploy.example', approvals: new ApprovalPolicy(1, [bo]) });

// Where tools are served: one line.
const deploy = guard(
  tool(({ env }) => `${env}, deployed by ${caller().caller} for ${caller().onBehalfOf}`, { name: 'deploy', description: 'deploys', schema: z.object({ env: z.string() }) }),
  verifier,
  { interrupt },
);
const agent = createAgent({ model: new Scripted({}), tools: [deploy], checkpointer: new MemorySaver() });
const thread = { configurable: { thread_id: '1' } };

// Where tools are called: one line says whose run this is.
const actor = new Actor(coder, ana.issue({ to: coder, tools: { deploy: { env: 'production' } } }));
const stopped = await acting(actor, () => agent.invoke({ messages: ['release it'].map((content) => ({ role: 'user', content })) }, thread));
const [{ value: waiting }] = stopped.__interrupt__;

const approver = new Approver(bo, { ask: ({ text }) => { console.log(text.trimEnd()); return true; } });
const resume = await answer(waiting, actor, approver);
const { messages } = await acting(actor, () => agent.invoke(new Command({ resume }), thread));
for (const message of messages.slice(-2)) console.log(`${message.getType()}: ${message.content}`);
