--- Sharing: many processes follow one account at the cost of one. Loaded only where the option
-- `share` is set.
--
-- Here a client gets its part of a farm: topaz.share.member has the rules, and is given the
-- client's clock, requests and connections. Each step of the client lets it do what is due.
local beat = require "topaz.share.beat"
local connection = require "topaz.share.connection"
local core = require "topaz.core"
local limits = require "topaz.limits"
local member = require "topaz.share.member"
local misuse = require "topaz.misuse"
local parking = require "topaz.parking"
local read_target = require "topaz.share.target"
local times = require "topaz.times"

local share = {}

local ROLES = { auto = true, follow = true }
local NAME_MOST = 200    -- bytes of a farm's name
local PAGE_TIMEOUT = 86400 -- seconds; while it flows a page is not cut
local TEXT_MOST = 200    -- bytes of what Redis says that are shown

local OPTIONS = {
   { "url", "string" },
   { "name", "string" },
   { "role", "string" },
   { "ca_file", "string" },
   { "max_delay", "number" },
}

-- ---- options ------------------------------------------------------------------------------------

-- The target, the farm's name, the role and max_delay. Misuse raises, before anything is sent, and
-- shows no password.
local function read(value, by_variable)
   local argument = by_variable and "TOPAZ_SHARE" or "share"
   if type(value) == "string" then return read_target(value, argument), "", "auto" end
   local o = misuse.options(value, OPTIONS)
   if not o.url then misuse.argument(argument, "url is missing: expected redis://… or rediss://…") end
   local name, role = o.name or "", o.role or "auto"
   if #name > NAME_MOST then misuse.argument("name", "expected at most %d bytes, got %d", NAME_MOST, #name) end
   if not ROLES[role] then misuse.argument("role", "expected auto or follow, got %s", misuse.shown(role)) end
   if o.max_delay == 0 then misuse.argument("max_delay", "expected seconds above 0, got 0") end
   local target = read_target(o.url, "url")
   target.ca_file = o.ca_file
   return target, name, role, o.max_delay
end

-- ---- a client's part ----------------------------------------------------------------------------

local Farm = {}
Farm.__index = Farm

-- Begins a request and calls done(result, err) in the step in which it has settled.
local function ask(farm, done, ...)
   local request, err = misuse.attempt(farm.client.start, farm.client, ...)
   if not request then
      done(nil, err)
      return nil
   end
   farm.flights[request:id()] = { request = request, done = done }
   return { cancel = function()
      farm.flights[request:id()] = nil
      request:cancel()
   end }
end

local function host_of(farm, target, max_rate, max_delay)
   local client = farm.client
   local host = {
      now = core.now, random = function() return core.random(client) end, max_rate = max_rate, max_delay = max_delay,
   }
   function host.server_time() return times.server_time(client) end
   function host.open() return connection.open(client, target) end
   function host.page(cursor, done)
      return ask(farm, done, "get_page", { limit = limits.PAGE, cursor = cursor, timeout = PAGE_TIMEOUT })
   end
   function host.get(id, done) return ask(farm, done, "get_status", id) end
   function host.event(role, text)
      if core.on_event(client) then
         text = tostring(text):sub(1, TEXT_MOST):gsub("[^\32-\126]", "?")
         table.insert(farm.events, { reason = role, message = text })
      end
   end
   function host.fatal(err)
      for jobs in pairs(farm.watching) do jobs:fail(err) end
   end
   return host
end

-- Calls what waits for the requests that have settled. `ready`: ids of requests with news.
local function settle(farm, ready)
   for _, id in ipairs(ready) do
      local flight = farm.flights[id]
      if flight and flight.request:done() then
         farm.flights[id] = nil
         flight.done(flight.request:result())
         core.forget(flight.request)
         farm.member.dirty = true
      end
   end
end

local function all_ids(farm)
   local ids = {}
   for id in pairs(farm.flights) do ids[#ids + 1] = id end
   return ids
end

-- Tells the others when a 429 has come to this client.
local function notice_limit(farm)
   local stats = farm.stats_of(farm.client)
   if stats.throttled > farm.throttled then
      farm.member.brake:limited(2 * (stats.rate or 1), stats.hold or 0)
   end
   farm.throttled = stats.throttled
end

local function advance(self, ready)
   local part = self.member
   while self.dropped do
      local dropped = self.dropped
      self.dropped = dropped.before
      self:leave(dropped.listener, dropped.place)
   end
   if #ready > 0 then
      settle(self, ready)
      notice_limit(self)
   end
   if part.dirty or self.due and core.now() >= self.due then self.due = part:turn() end
end

-- No hook interrupts what follows, which runs no code of the user: a farm cannot go on from half of
-- a turn.

local function step(self, ready)
   if self.busy or not self.member.joined_at then return end
   self.busy = true
   local ok, problem = pcall(advance, self, self.broken and all_ids(self) or ready)
   self.busy, self.broken = false, not ok
   if ok then return end
   self.member.dirty = true -- out of memory: the next step goes on
   error(problem, 0)
end

local function leave_all(self)
   if self.member.joined_at then beat.leave(self.member) end
end

local function wake(self)
   self.member.dirty = true
   parking.attend(self.client)
end

local function join(self, listener)
   self.watching[listener] = true
   local place = self.member:join(listener)
   wake(self)
   return place
end

local function drop(self, listener, place)
   local dropped = { listener = listener, place = place, before = self.dropped }
   self.dropped, self.member.dirty = dropped, true
end

local function leave(self, listener, place)
   self.watching[listener] = nil
   place:leave()
end

-- step(ready): does what is due. `ready`: ids of requests with news in this step.
-- close():     leaves the farm before the client is closed: the lease is free at once.
-- wake():      makes the next step do what is due.
-- join(listener): a place in the farm, see topaz.share.place. The listener may be a watcher's jobs.
-- drop(listener, place), leave(listener, place): lets a place go in the next step, or at once.
Farm.step, Farm.close, Farm.wake, Farm.join, Farm.drop, Farm.leave =
   core.uninterrupted(step, leave_all, wake, join, drop, leave)

--- A step of the client ended in its middle: which requests had news may be lost.
function Farm:mend() self.broken, self.member.dirty = true, true end

--- Seconds until it has something to do by time; nil: nothing.
function Farm:left()
   if self.member.dirty and self.member.joined_at then return 0 end
   return self.due and math.max(0, self.due - core.now())
end

--- Tells the client's on_event what has happened. An error in it is the caller's of step.
function Farm:tell()
   local event = table.remove(self.events, 1)
   while event do
      core.on_event(self.client) {
         type = "share", operation = "share", reason = event.reason, message = event.message, call = 0, attempt = 0,
         seconds = 0.0, delay = 0.0, bytes = 0, time = core.wall(), clock = core.now(),
      }
      event = table.remove(self.events, 1)
   end
end

-- ---- for the client -----------------------------------------------------------------------------

local methods = core.client_methods()

-- client:stats() has the farm too, from the first client on that shares.
local function extend_stats()
   local stats = methods.stats
   share.stats_of = stats
   function methods.stats(client)
      local result, state = stats(client), core.state(client)
      if state and state.share then result.share = state.share.member:stats() end
      return result
   end
end

-- What the members say of themselves: how many there are, and how many ids they watch.
local function count_members(entries)
   local members, ids = 0, 0
   for i = 2, #entries, 2 do
      members, ids = members + 1, ids + (math.tointeger(tonumber(entries[i]:match "^%d+ %d+ %d+ (%d+) ")) or 0)
   end
   return members, ids
end

--- Looks at the farm of a client, without taking part in it.
-- @tparam number patience seconds
-- @treturn table|nil members; ids: how many they watch; leads: whether one does; epoch; rate
-- (requests a second after the last 429) or nil
-- @treturn nil|table the error object
function share.look(client, patience)
   local farm = core.state(client).share
   local keys, replies, problem = farm.member.keys, {}, nil
   local link <close> = farm.member.host.open()
   for i, command in ipairs {
      { "HMGET", keys.lease, "who", "epoch" }, { "HGETALL", keys.members }, { "HMGET", keys.rate, "rate" },
   } do
      link:command(command, function(reply, err)
         if type(reply) == "table" and reply.error then
            err = core.error { kind = "server_error", operation = "share", message = "Redis: " .. reply.error }
         end
         replies[i], problem = reply, problem or err
      end)
   end
   local deadline = core.now() + patience
   while not problem and not replies[3] do
      local left = deadline - core.now()
      if left <= 0 then
         problem = core.error { kind = "timeout", operation = "share",
            message = ("Redis has not answered for %g s"):format(patience) }
      else
         client:step(left)
      end
   end
   if problem then return nil, problem end
   local members, ids = count_members(replies[2])
   return {
      members = members, ids = ids, leads = replies[1][1] ~= false,
      epoch = math.tointeger(tonumber(replies[1][2] or "")), rate = tonumber(replies[3][1] or ""),
   }
end

--- Reads the option `share` of a new client, and gives the client its part of a farm. Nothing is
-- sent before something is watched.
function share.begin(client, value, by_variable, base_url, max_rate)
   local target, name, role, max_delay = read(value, by_variable)
   if not share.stats_of then extend_stats() end
   local farm = setmetatable({
      client = client, flights = {}, events = {}, watching = {}, busy = false, due = nil, throttled = 0,
      stats_of = share.stats_of,
   }, Farm)
   local prefix = ("topaz1:{%s}:"):format(core.fingerprint(client, base_url .. "\n" .. name))
   farm.member = member.new(host_of(farm, target, max_rate, max_delay), prefix, role == "follow")
   parking.state(client).share = farm
end

return share
