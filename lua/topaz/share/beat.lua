--- A member's beats: by them it says that it is there, keeps or gets the lease, and hears who has
-- it.
local inbox = require "topaz.share.inbox"

local HEARTBEAT, SPREAD = 3, 0.2 -- seconds between beats, ± this share
-- Seconds that the lease holds; in scripts.lua as milliseconds. A leader gives up after 7. After
-- the longest rest between two rounds, 4.5 s, others ask within 13 s in all.
local LEASE = 8.5
local TAKEOVER = 2               -- seconds within which a member takes over
local EXPIRED = 0.5              -- seconds within which the members look again after its end
local SHY = 1.5                  -- seconds that a lease is free before one takes it that sits out
local ORPHAN = 3                 -- seconds without a leader, until one goes alone that may not lead

local beat = {}

-- What this member wants of the lease.
local function wish(self, now)
   if self.never_leads or self.inbox:is_deaf(now) then return "follow" end
   if self.role == "lead" then return "keep" end
   if now < self.sits_out_until and not (self.free_since and now - self.free_since >= SHY) then return "follow" end
   if self.lease.epoch > 0 and now >= self.lease.takeover then return "take" end
   return "lead"
end

--- Sends the next beat at that time, if it would not be sent before.
function beat.plan(self, at) self.beat_at = math.min(self.beat_at, at) end

-- When the next one is due, now that the lease was seen. It counts from when the last one was sent:
-- else a leader whose Redis takes 3 s to answer would never have renewed within the last 7 s.
local function next_beat(self, now, sent_at, left)
   local random = self.host.random
   self.beat_at = math.max(now, sent_at + HEARTBEAT * (1 + SPREAD * (2 * random() - 1)))
   if self.role == "lead" then return end
   if left and left > 0 then beat.plan(self, now + left / 1000 + EXPIRED * random()) end
   if self.lease.takeover > now then beat.plan(self, self.lease.takeover) end
   if self.free_since then beat.plan(self, now + SHY / 2) end
end

local function see_lease(self, now, epoch, number)
   local seen = self.lease
   if seen.epoch == epoch and seen.beat == number then return end
   self.lease = { epoch = epoch, beat = number, takeover = now + LEASE + TAKEOVER * self.host.random() }
end

local function see_free(self, now)
   self.free_since = self.free_since or now
   if self.role == "lead" then self:sit_out() end
   if self.role == "lead" or self.role == "joining" then
      self:change("follow", "no process asks for the farm just now")
      self:poll_from(nil)
   end
   self.lease = { epoch = 0, beat = 0, takeover = 0 }
   if now - self.free_since >= ORPHAN then self:go_alone("no process leads the farm") end
end

-- Streams that have begun anew are read from the beginning. `before`: what was read last when the
-- beat was sent; what came since may be newer than the reply.
local function compare_ids(self, before, into, all, out)
   local last, is_before = self.last, inbox.is_before
   if not last.all then last.all = all elseif before.all and is_before(all, before.all) then last.all = "0-0" end
   if is_before(out, before.out) then last.out = "0-0" end
   if self.role == "lead" and is_before(into, before.into) then last.into = "0-0" end
end

local function is_answer(reply)
   if type(reply) ~= "table" or reply.error or #reply < 14 or type(reply[13]) ~= "table" then return false end
   for _, i in ipairs { 1, 9, 10, 11, 12 } do
      if type(reply[i]) ~= "string" then return false end
   end
   for _, i in ipairs { 2, 3 } do
      if not math.tointeger(tonumber(reply[i])) then return false end
   end
   for _, i in ipairs { 4, 5, 6, 7, 8, 14 } do
      if not tonumber(reply[i]) then return false end
   end
   return true
end

local function is_other_leader(self, who) return who ~= "" and who ~= self.name end

local function answered(self, reply, sent_at, before, echo)
   local now = self.host.now()
   local who, epoch, number = reply[1], math.tointeger(tonumber(reply[2])), math.tointeger(tonumber(reply[3]))
   self.heard_at, self.trouble_text = now, nil
   self.link:good()
   self.members = math.max(1, math.tointeger(reply[6]) or 1)
   self.brake:learn(tonumber(reply[7]), tonumber(reply[8]) / 1000)
   if who ~= "" then see_lease(self, now, epoch, number) end
   if self.inbox:is_deaf(now) then
      self:go_alone "Redis does not let this process read its streams"
   elseif who == self.name then
      self.free_since, self.good_sent = nil, sent_at
      if reply[12] ~= "" then self:become_lead(epoch, reply[12]) end
      if self.role == "lead" then
         local all = self.leading:check(reply[13])
         if all and self.polls_from and self.polls_from > now then self.polls_from = now end
      end
   elseif is_other_leader(self, who) then
      self.free_since = nil
      if self.role == "lead" then self:sit_out() end
      self:become_follow(epoch, tonumber(reply[5]) == 1)
   else
      see_free(self, now)
   end
   local into, all, out = reply[9], reply[10], reply[11]
   compare_ids(self, before, into, all, out)
   local keys = self.keys
   self.listen:beaten(echo, tonumber(reply[14]), { [keys["in"]] = into, [keys.all] = all, [keys.out] = out })
   next_beat(self, now, sent_at, who ~= "" and tonumber(reply[4]))
end

--- Sends a beat.
-- @tparam topaz.share.member self
-- @tparam number now
-- @tparam[opt] string what it wants of the lease: see scripts.lua
function beat.send(self, now, what)
   local leading = self.role == "lead"
   local name, before = self.name, { all = self.last.all, out = self.last.out, into = self.last.into }
   self.beats = self.beats + 1
   local echo = self.listen:echo(self.beats)
   local arguments = {
      self.name, ("%d"):format(self.epoch), what or wish(self, now), self.follow:about(self.beats),
      ("%d"):format(self.lease.epoch), ("%d"):format(self.lease.beat), echo.text,
   }
   if leading then
      local gone = self.leading:take_gone()
      table.move(gone, 1, #gone, #arguments + 1, arguments)
   end
   self.beating = now
   self.beat_at = now + HEARTBEAT
   local sent = self:run("beat", arguments, function(reply, err)
      self.beating = nil
      if self.joined_at == nil or what == "leave" or self.name ~= name then return end
      if is_answer(reply) then return answered(self, reply, now, before, echo) end
      self:trouble(type(reply) == "table" and reply.error or err and "the connection was lost" or "an unknown answer")
      if type(reply) == "table" then self.link:drop(self.trouble_text) end
   end)
   if not sent then self.beating = nil end
end

--- Says that the member goes away: at once, since no step may come any more.
function beat.leave(self)
   if not self.link.commands then return end
   beat.send(self, self.host.now(), "leave")
   self.link:flush()
end

return beat
