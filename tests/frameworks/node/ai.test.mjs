// row: {"framework": "Vercel AI SDK", "language": "Node", "package": "ai", "extra": "ai", "guards": "tools of generateText, streamText and agents", "carries": "in process", "approvals": "toolApproval with the evidence of the Actor, or an approver"}
import { test } from 'node:test';
import { again, old } from './support/node22.mjs';

if (old) again(test, import.meta.url);
else await import('./support/ai.mjs');
