--- One process of a farm: which role it has, and what follows from that.
--
--   joining  Redis has not answered yet, for a second at most
--   lead     asks the API for the jobs of all members, and publishes the answers
--   follow   asks nothing, and hears what is published
--   alone    asks for its own jobs, at its part of one process's rate
--
-- It never waits and runs no code of the user: `turn` does what is due, replies of Redis come to
-- callbacks. The host gives it clock, chance, connections and requests, so that a simulation can.
local beat = require "topaz.share.beat"
local brake = require "topaz.share.brake"
local follow = require "topaz.share.follow"
local inbox = require "topaz.share.inbox"
local lead = require "topaz.share.lead"
local link = require "topaz.share.link"
local listen = require "topaz.share.listen"
local place = require "topaz.share.place"
local poll = require "topaz.share.poll"
local union = require "topaz.share.union"

local SILENT = 7                 -- seconds without Redis, after which its word does not count
local FIRST = 1                  -- seconds that the first look waits for Redis
local LATER = 10                 -- seconds within which the members go alone
local GATHER = 0.5               -- seconds that a new leader waits for the others' ids
local SIT_OUT, SIT_OUT_MOST = 10, 300 -- seconds without leading after the lease was lost
local STABLE = 300               -- seconds of leading that make up for that
local DEAF = 15                  -- seconds of failing requests until another one tries
local DEAF_LEAST, DEAF_MOST = 45, 900 -- likewise of silence, doubled each time: it may be slow
local PAUSE_LEAST, PAUSE_MOST = 0.05, 1 -- seconds in which things are gathered, by the members: so
local TELL_EACH, READ_EACH = 0.01, 0.02 -- all say 100 things a second; read 50 times if they must
local PAUSE = 1                  -- seconds by which a step is late; Redis is not silent then
local LINGER = 3                 -- seconds that a loop's body may take as far as leading goes

local Member = {}
Member.__index = Member

--- A member that does nothing yet.
-- @tparam table host `now()`, `random()`, `server_time()`, `open()`, `page()`, `get()`,
-- `event(role, text)`, `fatal(err)`, `max_rate`, `max_delay`
-- @tparam string prefix of all keys
-- @tparam boolean never_leads
local function new(host, prefix, never_leads)
   local self = setmetatable({
      host = host, role = "joining", never_leads = never_leads, wants = false,
      epoch = 0, members = 1, beats = 0,
      joined_at = nil,                   -- when the first watcher came; nil: there is none
      beat_at = 0, beating = nil,        -- when the next beat is due; when one was sent
      heard_at = nil, good_sent = nil,   -- Redis's last good answer: when it came, when asked for
      lease = { epoch = 0, beat = 0, takeover = 0 }, -- as it was seen to change last
      free_since = nil, sits_out_until = -math.huge, penalty = SIT_OUT, led_since = nil,
      polls_from = nil,                  -- when polling begins; nil: it does not poll
      inside = 0, left_at = -math.huge,  -- watchers in their loops; when one left last
      last = { all = nil, out = "0-0", into = "0-0" }, -- ids of the entries read last
      changes = 0, dirty = true, deaf_after = DEAF_LEAST, led_at = -math.huge,
   }, Member)
   self.keys = {
      lease = prefix .. "lease", members = prefix .. "members", ["in"] = prefix .. "in", all = prefix .. "all",
      rate = prefix .. "rate",
   }
   self.out_of = function(name) return prefix .. "out:" .. name end
   self.time = { base = host.now(), at = host.now(), scale = 1 }
   self.union = union.new {
      now = function() return self:scaled(host.now()) end, server_time = host.server_time, random = host.random,
   }
   self.link, self.inbox, self.listen = link.new(host, self), inbox.new(self), listen.new(self)
   self.brake = brake.new(host, function(script, arguments, done) return self:run(script, arguments, done) end)
   self.poll = poll.new(host, self.union, self.brake)
   self.follow = follow.new(self)
   return self
end

-- ---- time that passes more slowly ---------------------------------------------------------------

--- The plan's time: alone in a farm of n it runs n times more slowly, so that all of them together
-- ask as often as one.
function Member:scaled(now) return self.time.base + (now - self.time.at) / self.time.scale end

local function set_scale(self, scale)
   local now = self.host.now()
   self.time.base, self.time.at = self:scaled(now), now
   self.time.scale, self.poll.scale = scale, scale
end

-- ---- roles --------------------------------------------------------------------------------------

--- Has another role from now on; the host is told why.
function Member:change(role, text)
   if self.role == role then return end
   local was = self.role
   self.role, self.changes, self.dirty = role, self.changes + 1, true
   self.inbox.behind = true -- it follows other streams now
   if was == "lead" then
      if self.host.now() - self.led_since >= STABLE then self.penalty = SIT_OUT end
      self.led_since = nil
      self.leading:close()
      self.leading = nil
   end
   self.brake.parts = role == "alone" and self.members or nil
   if role == "joining" then return end
   self.host.event(role, text)
end

--- Asks the API from that time on; nil: not any more.
-- @tparam number|nil at
-- @tparam[opt] number scale into so many parts one process's rate is divided
function Member:poll_from(at, scale)
   if at then self.poll:take_page() elseif self.polls_from then self.poll:forget() end
   self.polls_from = at
   set_scale(self, scale or 1)
end

--- Asks for its own jobs alone.
function Member:go_alone(text)
   if self.role == "alone" then return end
   local now, members = self.host.now(), self.members
   local at = now
   if members > 1 then at = now + LATER * self.host.random() end
   self:change("alone", text)
   self:poll_from(at, members)
   self.union.plan:hurry()
end

--- Asks for all, under that epoch; `marker` is where its announcements begin.
function Member:become_lead(epoch, marker)
   local now = self.host.now()
   local led = self.role == "lead"
   if led then self.leading:close() end
   self.epoch, self.last.into, self.inbox.behind = epoch, marker, true
   self.leading = lead.new(self, epoch)
   self:change("lead", "this process asks for the farm")
   self.led_since = self.led_since or now
   if led then return end
   if self.poll.good > self.led_at then self.deaf_after = DEAF_LEAST end -- it has answered before
   self.poll.good, self.poll.failures, self.led_at = now, 0, now
   self:poll_from(self.members > 1 and now + GATHER or now)
   self.union.plan:hurry()
end

--- Hears what the leader of that epoch publishes. `fresh`: Redis did not know this member.
function Member:become_follow(epoch, fresh)
   if self.role ~= "follow" then
      self:change("follow", "another process asks for the farm")
      self:poll_from(nil)
      self.follow:announce(epoch)
   elseif epoch ~= self.epoch or fresh then
      self.follow:announce(epoch)
   end
   self.epoch = epoch
end

--- Does not try to lead for a while.
function Member:sit_out()
   self.sits_out_until = self.host.now() + self.penalty
   self.penalty = math.min(self.penalty * 2, SIT_OUT_MOST)
end

local KEYS_OF = {
   beat = { "lease", "members", "in", "all", "out", "rate" }, tell = { "in" }, take = { "rate" },
   cut = { "rate", "all" },
}

--- Runs a script on the keys that it needs. False: there is no connection.
function Member:run(script, arguments, done)
   local keys = {}
   for i, name in ipairs(KEYS_OF[script]) do keys[i] = self.keys[name] end
   return self.link:run(script, keys, arguments, done)
end

local function pause(self, each)
   if self.role ~= "follow" then return 0 end
   return math.min(math.max(each * self.members, PAUSE_LEAST), PAUSE_MOST)
end

--- Seconds in which a follower gathers what it tells: a large farm would ask Redis for every single
-- thing.
function Member:tell_pause() return pause(self, TELL_EACH) end

--- Seconds between two reads of a follower that gets no messages.
function Member:hear_pause() return pause(self, READ_EACH) end

-- ---- what the link tells ------------------------------------------------------------------------

--- Redis is in trouble: what the role is then, time decides.
function Member:trouble(text)
   self.trouble_text, self.dirty = text, true
   if self.leading then self.leading:lost() end
end

--- A connection was begun: a beat is the first to be sent.
function Member:opened()
   self.beating, self.beat_at = nil, self.host.now()
   self.inbox.retry_at = -math.huge
end

--- The lease was renewed by publishing.
function Member:renewed(sent_at)
   self.good_sent, self.heard_at = math.max(self.good_sent or sent_at, sent_at), self.host.now()
end

--- Publishing was refused: the lease is gone, or somebody else's.
function Member:refused() beat.plan(self, self.host.now()) end

--- Which streams are read, and from where.
function Member:streams()
   if not self.last.all then return {} end
   local second = self.role == "lead" and self.keys["in"] or self.keys.out
   return { { self.keys.all, self.last.all }, { second, self:last_of(second) } }
end

--- The channels to which it listens: those of its streams, and `out` for the echoes of its beats.
function Member:channels()
   return { self.keys.all, self.keys.out, self.role == "lead" and self.keys["in"] or nil }
end

--- The id of the entry that it has heard last of a stream that it follows; nil of another.
function Member:last_of(key)
   if not self.joined_at then return nil end
   if key == self.keys.all then return self.last.all end
   if self.role == "lead" then return key == self.keys["in"] and self.last.into or nil end
   return key == self.keys.out and self.last.out or nil
end

local function hear_all(self, fields)
   local epoch, now = math.tointeger(tonumber(fields.e)), self.host.now()
   if fields.k == "lead" and epoch and epoch ~= self.epoch then beat.plan(self, now)
   elseif fields.k == "free" then beat.plan(self, now + 0.2 * self.host.random())
   elseif fields.k == "brake" and tonumber(fields.r) then
      self.brake:learn(tonumber(fields.r), (tonumber(fields.h) or 0) / 1000)
   end
end

--- An entry of a stream has come.
function Member:entry(key, id, fields)
   if key == self.keys.all then
      self.last.all = id
      hear_all(self, fields)
   elseif key == self.keys.out then
      self.last.out = id
      self.follow:hear(fields)
   elseif key == self.keys["in"] then
      self.last.into = id
      if self.leading then
         self.leading:told(fields)
         local is_complete = self.leading.fresh >= self.members - 1
         if is_complete and self.polls_from and self.polls_from > self.host.now() then
            self.polls_from = self.host.now()
         end
      end
   end
end

-- ---- what time decides --------------------------------------------------------------------------

local function judge(self, now)
   local since = math.max(self.heard_at or -math.huge, self.joined_at)
   local patience = self.heard_at and self.heard_at >= self.joined_at and SILENT or FIRST
   if self.role == "lead" and now - self.good_sent >= SILENT then
      self:go_alone(self.trouble_text or "Redis does not answer")
   elseif self.role ~= "alone" and self.role ~= "lead" and now - since >= patience then
      self:go_alone(self.trouble_text or "Redis does not answer")
   end
   if self.role == "lead" and self.members > 1 and self.poll:is_deaf(now, DEAF, self.deaf_after) then
      self.deaf_after = math.min(2 * self.deaf_after, DEAF_MOST)
      self:sit_out()
      self:change("follow", "this process cannot reach the API: another one may try")
      self:poll_from(nil)
      self.lease = { epoch = 0, beat = 0, takeover = 0 }
      beat.plan(self, now)
   end
   if self.role == "alone" then return nil end
   return self.role == "lead" and self.good_sent + SILENT or since + patience
end

-- The process was not stepped for a while: what it knows of the lease is old.
local function resume(self, now)
   self.link:resumed(now)
   self.listen:resumed(now)
   self.inbox:resumed(now)
   if now - self.turned_at < SILENT then return end
   self.joined_at, self.heard_at = now, nil
   self.beat_at = now
   if self.role == "lead" then
      self:change("joining")
      self:poll_from(nil)
   end
end

-- Whether somebody waits in a watcher, or has just looked away.
local function is_attended(self, now) return self.inside > 0 or now - self.left_at < LINGER end

local function least(a, b) return a and b and math.min(a, b) or a or b end

--- Does what is due.
-- @treturn number|nil when it has to be called again, if nothing comes before
function Member:turn()
   local now = self.host.now()
   if not self.joined_at or not is_attended(self, now) then
      self.dirty = false -- until a watcher waits again
      return nil
   end
   if now - (self.due_at or now) >= PAUSE then resume(self, now) end
   self.dirty, self.turned_at = false, now
   local due = self.link:turn(now)
   if self.role == "lead" or self.role == "follow" then
      due = least(due, self.listen:turn(now))
   end
   local reads = self.role == "lead" or self.role == "follow" or self.inbox:is_deaf(now)
   if reads and self.link.commands then due = least(due, self.inbox:turn(now)) end
   due = least(due, judge(self, now))
   if self.link.commands and not self.beating then
      if now >= self.beat_at then beat.send(self, now) else due = least(due, self.beat_at) end
   end
   if self.role == "lead" then due = least(due, self.leading:turn(now)) end
   if self.role == "follow" then due = least(due, self.follow:turn(now)) end
   if self.polls_from then
      if now >= self.polls_from then
         if self.role == "lead" then due = least(due, self.leading:hasten(now)) end
         due = least(due, self.poll:turn())
         if self.role == "lead" then due = least(due, self.leading:turn(now)) end
      else
         due = least(due, self.polls_from)
      end
   end
   if self.dirty then due = now end
   self.due_at = due or now
   return due
end

--- Enters the farm, under a name of its own.
function Member:begin()
   local random, now = self.host.random, self.host.now()
   self.name = ("%08x%08x"):format(math.floor(random() * 2 ^ 32), math.floor(random() * 2 ^ 32))
   self.keys.out = self.out_of(self.name)
   self.last = { all = nil, out = "0-0", into = "0-0" }
   self.follow:restart()
   self.inbox.failing_since = nil
   self.joined_at, self.dirty, self.beat_at = now, true, now
   self.role, self.free_since = "joining", nil
   self.lease = { epoch = 0, beat = 0, takeover = 0 }
end

--- Leaves it.
function Member:finish()
   self:change("joining")
   self:poll_from(nil)
   self.joined_at = nil
end

--- A watcher has come; gives its place. The first one brings the member into the farm.
-- @tparam table listener with the methods of a holder: see topaz.share.union
function Member:join(listener) return place.new(self, listener) end

--- A hint that a job may have changed, such as a webhook: it is asked for soon, as the plan allows.
function Member:hint(key)
   local plan = self.union.plan
   if self.role == "follow" then self.follow:hint(key)
   elseif plan.offer and self.polls_from then plan:offer(key) end
   self.dirty = true
end

--- What client:stats() shows.
function Member:stats()
   return {
      role = self.role, members = self.members, epoch = self.epoch, changes = self.changes,
      rate = self.brake.rate > 0 and self.brake.rate or nil,
   }
end

return { new = new }
