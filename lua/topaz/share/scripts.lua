--- What runs inside Redis: five scripts. Their clock is Redis's TIME; everything they compare
-- stands in the keys. They use nothing newer than Redis 5.
--
-- What is added to a stream is published too, on the channel of the stream's name: see `message`.
-- Where Redis does not allow that, the streams alone have to do.
--
-- beat     KEYS lease members in all out:me rate
--          ARGV me, known epoch, wish, entry, seen epoch, seen beat, echo, gone members…
--          wish: "keep" renews the lease of the known epoch; "lead" leads where nobody does, "take"
--          also where the lease still shows the seen epoch and beat; "follow" never leads; "leave"
--          goes away. Redis writes its time behind the entry: without a leader old ones go. The
--          echo, unless empty, is published on the channel of out: it comes behind all messages
--          that were published before, and shows that the subscription lives.
--          → { who, epoch, beat, milliseconds left, new entry, members, rate, hold in milliseconds,
--              last id of in, all, out, marker, entries, receivers of the echo };
--              marker and entries for the leader alone; receivers are -1 where it may not publish
-- publish  KEYS lease, out of each member…; ARGV me, epoch, then for each: seq, kind, data
--          → 1, or 0: refused, somebody else leads or nobody
-- tell     KEYS in; ARGV name, value, name, value… → the new entry
-- take     KEYS rate; ARGV wanted, max_rate → { granted, milliseconds until the next one }
-- cut      KEYS rate all; ARGV age in milliseconds, Retry-After in milliseconds, used rate,
-- max_rate
--          → { rate in thousandths, hold in milliseconds }
--
-- `rate` holds: rate (a second), top (where the last cut was), cut and tat and hold (milliseconds
-- of TIME), pause (how long hold was when it was set). tat is GCRA's theoretical arrival time.
-- Times in the keys that are too far ahead count as past: the clock has been set back.
local sha1 = require "topaz.share.sha1"

local scripts = {}

local CLOCK = [[
if redis.replicate_commands then redis.replicate_commands() end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
]]

-- add: adds an entry, publishes it, and returns its id. What was trimmed is never the newest entry.
-- The message is one text, since building it for each member is most of the cost: the new id, the
-- id before, how many names and values there are, the bytes of the last value, and these, with
-- spaces between. Only the last value may have spaces.
local ADD = [[
local function last(key)
  local entry = redis.call('XREVRANGE', key, '+', '-', 'COUNT', '1')
  return entry[1] and entry[1][1] or '0-0'
end
local function add(key, most, ...)
  local before = last(key)
  local id = redis.call('XADD', key, 'MAXLEN', '~', most, '*', ...)
  redis.call('PEXPIRE', key, 60000)
  local count = select('#', ...)
  redis.pcall('PUBLISH', key, table.concat({ id, before, count, #select(count, ...), ... }, ' '))
  return id
end
]]

-- rate_now: the rate that holds now, 0 for none. After a cut it comes back to nine tenths of where
-- the limit was met within seconds, and then feels its way upward; after ten minutes it is gone.
local RATE = CLOCK .. [[
local function rate_now(key, most)
  local r = redis.call('HMGET', key, 'rate', 'top', 'cut', 'hold', 'tat', 'pause')
  local low, top, cut = tonumber(r[1] or 0), tonumber(r[2] or 0), tonumber(r[3] or 0)
  local hold, tat = tonumber(r[4] or 0), tonumber(r[5] or 0)
  local rate = 0
  if low > 0 then
    local age = (now - cut) / 1000
    if age < 0 or age > 600 then age = 600 end
    local near = math.max(low, top * 0.92)
    rate = low + (near - low) * math.min(1, age / 4)
    if age > 4 then rate = rate * (1 + (age - 4) * 0.004) end
    if age >= 600 then rate = 0 end
  end
  if most > 0 and (rate == 0 or rate > most) then rate = most end
  if hold > now + tonumber(r[6] or 0) then hold = 0 end
  return rate, math.max(0, hold - now), tat, cut
end
]]

local SOURCES = {}

SOURCES.beat = RATE .. ADD .. [[
local me, known, wish = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local lease = redis.call('HMGET', KEYS[1], 'who', 'epoch', 'beat')
local who, epoch, beat = lease[1], tonumber(lease[2] or 0), tonumber(lease[3] or 0)
local marker = false
if wish == 'leave' then
  redis.call('HDEL', KEYS[2], me)
  redis.call('DEL', KEYS[5])
  add(KEYS[3], '512', 'k', 'L', 'm', me)
  if who == me then
    redis.call('DEL', KEYS[1])
    add(KEYS[4], '16', 'k', 'free', 'e', string.format('%.0f', epoch))
  end
  return {}
end
local fresh = redis.call('HSET', KEYS[2], me, ARGV[4] .. string.format(' %.0f', now))
if not who then
  local all = redis.call('HGETALL', KEYS[2])
  for i = 1, #all, 2 do
    local at = tonumber(string.match(all[i + 1], ' (%d+)$')) or 0
    if math.abs(now - at) > 30000 then redis.call('HDEL', KEYS[2], all[i]) end
  end
end
if who == me and wish == 'keep' and epoch == known then
  beat = beat + 1
  redis.call('HSET', KEYS[1], 'beat', string.format('%.0f', beat))
elseif who == me and wish == 'follow' then
  redis.call('DEL', KEYS[1])
  add(KEYS[4], '16', 'k', 'free', 'e', string.format('%.0f', epoch))
  who = false
elseif wish ~= 'follow' and (not who or who == me or
    wish == 'take' and epoch == tonumber(ARGV[5]) and beat == tonumber(ARGV[6])) then
  who, epoch, beat = me, math.max(math.max(known, epoch) + 1, now), 1
  local text = string.format('%.0f', epoch)
  marker = add(KEYS[3], '512', 'k', 'lead', 'e', text)
  add(KEYS[4], '16', 'k', 'lead', 'e', text)
  redis.call('HMSET', KEYS[1], 'who', me, 'epoch', text, 'beat', '1')
end
local entries = false
if who == me then
  redis.call('PEXPIRE', KEYS[1], 8500)
  redis.call('PEXPIRE', KEYS[3], 60000)
  for i = 8, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
  entries = redis.call('HGETALL', KEYS[2])
end
redis.call('PEXPIRE', KEYS[2], 60000)
redis.call('PEXPIRE', KEYS[4], 60000)
local rate, hold = rate_now(KEYS[6], 0)
local echoed = 0
if ARGV[7] ~= '' then
  echoed = redis.pcall('PUBLISH', KEYS[5], ARGV[7])
  if type(echoed) == 'table' then echoed = -1 end
end
return { who or '', string.format('%.0f', epoch), string.format('%.0f', beat), redis.call('PTTL', KEYS[1]), fresh,
  redis.call('HLEN', KEYS[2]), string.format('%.3f', rate), hold,
  last(KEYS[3]), last(KEYS[4]), last(KEYS[5]), marker or '', entries or {}, echoed }
]]

SOURCES.publish = ADD .. [[
if redis.replicate_commands then redis.replicate_commands() end
local lease = redis.call('HMGET', KEYS[1], 'who', 'epoch')
if lease[1] ~= ARGV[1] or lease[2] ~= ARGV[2] then return 0 end
redis.call('HINCRBY', KEYS[1], 'beat', 1)
redis.call('PEXPIRE', KEYS[1], 8500)
for i = 2, #KEYS do
  local at = 3 * (i - 1)
  add(KEYS[i], '64', 'e', ARGV[2], 's', ARGV[at], 'k', ARGV[at + 1], 'd', ARGV[at + 2])
end
return 1
]]

SOURCES.tell = ADD .. [[
if redis.replicate_commands then redis.replicate_commands() end
return add(KEYS[1], '512', unpack(ARGV))
]]

SOURCES.take = RATE .. [[
local wanted = tonumber(ARGV[1])
local rate, hold, tat = rate_now(KEYS[1], tonumber(ARGV[2]))
if rate == 0 then return { wanted, 0 } end
if hold > 0 then return { 0, hold } end
local each = 1000 / rate
local burst = math.max(each, 250)
if tat > now + each + burst + 1000 then tat = now end
tat = math.max(tat, now - burst + each)
local granted = math.max(0, math.min(wanted, math.floor((now - tat) / each + 1)))
if granted > 0 then
  redis.call('HSET', KEYS[1], 'tat', string.format('%.3f', tat + granted * each))
  redis.call('PEXPIRE', KEYS[1], 600000)
  return { granted, 0 }
end
return { 0, math.ceil(tat - now) }
]]

SOURCES.cut = RATE .. ADD .. [[
local age, pause, used = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local rate, hold, _, cut = rate_now(KEYS[1], tonumber(ARGV[4]))
local stored = redis.call('HEXISTS', KEYS[1], 'rate') == 1
if cut > now + 1000 then cut = 0 end
if not stored or now - age > cut then
  local met = rate > 0 and rate or used
  if used > 1 and used < met then met = used end
  local low = math.max(met / 2, 0.25)
  redis.call('HMSET', KEYS[1], 'rate', string.format('%.3f', low), 'top', string.format('%.3f', math.max(met, 0.5)),
    'cut', string.format('%.0f', now))
  rate = low
end
if pause > hold then
  hold = pause
  redis.call('HMSET', KEYS[1], 'hold', string.format('%.0f', now + pause), 'pause', string.format('%.0f', pause))
end
redis.call('PEXPIRE', KEYS[1], 600000)
add(KEYS[2], '16', 'k', 'brake', 'r', string.format('%.3f', rate), 'h', string.format('%.0f', hold))
return { string.format('%.0f', rate * 1000), hold }
]]

--- Reads what `add` has published.
-- @tparam string text
-- @treturn string|nil the entry's id; nil: it is not such a message
-- @treturn string|nil the id of the entry before it
-- @treturn table|nil names and values, one after the other
function scripts.message(text)
   local id, before, count, size, at = text:match "^(%d+%-%d+) (%d+%-%d+) (%d%d?) (%d+) ()"
   if not id then return nil end
   local list = {}
   for i = 1, tonumber(count) - 1 do
      local piece, after = text:match("^(%S*) ()", at)
      if not piece then return nil end
      list[i], at = piece, after
   end
   if #text - at + 1 ~= tonumber(size) then return nil end
   list[#list + 1] = text:sub(at)
   return id, before, list
end

for name, source in pairs(SOURCES) do scripts[name] = { source = source, sha = sha1(source) } end

--- Runs a script: by its digest, and where Redis does not know it by its text.
-- @param connection
-- @tparam string name
-- @tparam table keys
-- @tparam table arguments
-- @tparam function done (reply, err)
function scripts.run(connection, name, keys, arguments, done)
   local script = scripts[name]
   local command = { "EVALSHA", script.sha, tostring(#keys) }
   table.move(keys, 1, #keys, 4, command)
   table.move(arguments, 1, #arguments, 4 + #keys, command)
   connection:command(command, function(reply, err)
      if type(reply) ~= "table" or not reply.error or reply.error:sub(1, 8) ~= "NOSCRIPT" then
         return done(reply, err)
      end
      command[1], command[2] = "EVAL", script.source
      connection:command(command, done)
   end)
end

return scripts
