// row: {"framework": "Mastra", "language": "Node", "package": "@mastra/core", "extra": "mastra", "guards": "tools of agents, workflows and alone; sub-agents of a supervisor and of a network", "carries": "in process", "approvals": "suspend and resume, or an approver"}
// row: {"framework": "Mastra MCP", "language": "Node", "package": "@mastra/mcp", "extra": "mastra", "guards": "tools/call of an MCPServer; signs what an MCPClient posts", "carries": "metadata, header or argument", "approvals": "Actor evidence"}
import { test } from 'node:test';
import { again, old } from './support/node22.mjs';

if (old) again(test, import.meta.url);
else await import('./support/mastra.mjs');
