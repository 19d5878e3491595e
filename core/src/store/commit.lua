-- One commit of the store, as docs/spec/store.md has it: everything is judged, then everything is written.
-- KEYS: where the beginning of the memory is kept, then the key of each operation.
-- ARGV: the verifier's time in ms, '1' if the server loses nothing at a restart, then each operation: its name, and its numbers in decimals.
-- The answer: 'committed', 'refused <index>', 'predates <index>' or 'full'; anything else is an error, and nothing was done.

local FIELDS = {
  claim = { 'expires', 'since' },
  absent = { 'since' },
  mark = { 'expires' },
  spend = { 'amount', 'limit', 'expires', 'since' },
  refund = { 'amount' },
}
-- Entries outlive their time by what the clocks of verifiers may differ.
local MOST, MARGIN = 2 ^ 53, 60000

-- Beyond 2^53 a double is not exact; such an amount is above every limit.
local function number(text)
  local exact = string.find(text, '^%d+$') and #text <= 16 and tonumber(text) or math.huge
  if exact == MOST and text ~= '9007199254740992' then return math.huge end
  return exact
end

local function decimal(exact)
  return string.format('%.0f', exact)
end

local function broken(why)
  return redis.error_reply('DEPUTIZE ' .. why)
end

local now, durable = number(ARGV[1]), ARGV[2] == '1'
if now > MOST then return broken('no time') end

-- A server that started again may have lost entries and kept the beginning, so the beginning belongs to one run of one server.
local known, of = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%S+)$')
local run = 'any'
if not durable then
  run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  if not run then return broken('the server does not say its run_id') end
end
local began, begins = number(known or '0'), not known or (not durable and of ~= run)
if begins then
  local memory = redis.pcall('INFO', 'memory')
  local policy = type(memory) == 'string' and string.match(memory, 'maxmemory_policy:(%S+)') or 'noeviction'
  if policy ~= 'noeviction' then return broken('maxmemory-policy has to be noeviction') end
  began = math.max(began, now)
end

local operations, seen, outcome, at = {}, {}, nil, 3
for index = 0, #KEYS - 2 do
  local name, key = ARGV[at], KEYS[index + 2]
  local operation = { name = name, key = key }
  local fields = FIELDS[name]
  if not fields or (seen[key] and name ~= 'absent') or at + #fields > #ARGV then return broken('no such operations') end
  for place, field in ipairs(fields) do
    local value = number(ARGV[at + place])
    if value > MOST and field ~= 'amount' then return broken('a number beyond 2^53') end
    operation[field] = value
  end
  at, seen[key] = at + #fields + 1, seen[key] or name ~= 'absent'
  local held
  if operation.amount then
    operation.there = redis.call('GET', key)
    operation.count = number(operation.there or '0')
    if operation.count > MOST then return broken('no counter is at the key') end
    -- The difference is exact; the sum might not be.
    held = not operation.limit or operation.amount <= operation.limit - operation.count
  else
    held = name == 'mark' or redis.call('EXISTS', key) == 0
  end
  if not outcome and operation.since and operation.since < began then
    outcome = 'predates ' .. index
  elseif not outcome and not held then
    outcome = 'refused ' .. index
  end
  operations[index + 1] = operation
end
if at ~= #ARGV + 1 then return broken('no such operations') end

-- A server that is out of memory, or takes no writes, says so at the first one.
local failed
local function write(key, value, ...)
  local done = failed or redis.pcall('SET', key, value, ...)
  if done.err then failed = string.find(done.err, 'OOM', 1, true) and 'full' or done end
end

-- By what is left of its time, never by the server's date; never for a shorter time than it has.
local function keep(key, value, expires)
  local left, has = math.max(expires * 1000 - now, 0) + MARGIN, redis.call('PTTL', key)
  if has == -1 or has > left then write(key, value, 'KEEPTTL') else write(key, value, 'PX', decimal(left)) end
end

if begins then write(KEYS[1], decimal(began) .. ' ' .. run) end
if failed or outcome then return failed or outcome end
for _, operation in ipairs(operations) do
  local name, key = operation.name, operation.key
  if name == 'claim' or name == 'mark' then
    keep(key, name, operation.expires)
  elseif name == 'spend' then
    keep(key, decimal(operation.count + operation.amount), operation.expires)
  elseif name == 'refund' and operation.there then
    write(key, decimal(math.max(operation.count - operation.amount, 0)), 'KEEPTTL')
  end
end
return failed or 'committed'
