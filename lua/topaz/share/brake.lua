--- The farm's rate as one member sees it: whether it may send a request now.
--
-- Without a limit nobody asks Redis. With one a member takes tokens for a quarter of a second at a
-- time; they lapse after half a second. While Redis is silent it keeps to its part of the rate.
local AHEAD, LAPSE = 0.25, 0.5 -- seconds of the rate that are taken at a time; until they lapse
local PATIENCE = 5             -- seconds until an answer of Redis is given up
local ROUND = 1                -- seconds: how old a request may be that is answered by 429
local RATE_LEAST, RATE_MOST = 0.001, 1e6 -- requests a second that are believed
local HOLD_MOST = 600          -- seconds that are believed at a time; in Redis it is kept no longer

local Brake = {}
Brake.__index = Brake

--- One without a limit.
-- @tparam table host `now()`, `max_rate` (nil: none)
-- @tparam function run (script, keys, arguments, done): runs a script in Redis; false: it cannot
local function new(host, run)
   return setmetatable({
      host = host, run = run, most = host.max_rate or 0, rate = 0, hold = -math.huge, tokens = 0, lapse = 0,
      parts = nil,     -- members that share the rate without Redis; nil: Redis answers
      next_at = 0,     -- without Redis: when the next request is due
      asked_at = nil,  -- when Redis was asked for tokens
      retry_at = 0,    -- not to be asked before
   }, Brake)
end

--- Applies what Redis says. Ignores a rate out of range, and cuts a long pause: both may be forged.
-- @tparam number rate requests a second; 0: no limit
-- @tparam number hold seconds in which nothing is sent
function Brake:learn(rate, hold)
   if rate == 0 or rate >= RATE_LEAST and rate <= RATE_MOST then self.rate = rate end
   if hold > 0 then self.hold = self.host.now() + math.min(hold, HOLD_MOST) end
end

--- The rate that holds; nil: none.
function Brake:limit()
   local rate = self.rate
   if rate == 0 or self.most > 0 and self.most < rate then rate = self.most end
   return rate > 0 and rate or nil
end

local function spend_alone(self, now, limit)
   if now < self.next_at then return false, self.next_at end
   self.next_at = math.max(self.next_at, now - 1 / limit) + self.parts / limit
   return true
end

local function ask(self, now, limit)
   local wanted = math.max(1, math.ceil(limit * AHEAD))
   self.asked_at = now
   local runs = self.run("take", { ("%d"):format(wanted), ("%.3f"):format(self.most) }, function(reply)
      self.asked_at = nil
      local answered = self.host.now()
      local granted = type(reply) == "table" and tonumber(reply[1])
      if not granted then self.retry_at = answered + 1
      elseif granted > 0 then self.tokens, self.lapse = granted, answered + LAPSE
      else self.retry_at = answered + (tonumber(reply[2]) or 1000) / 1000 end
   end)
   if not runs then self.asked_at, self.retry_at = nil, now + 1 end
end

--- Whether a request may be sent now; it is counted.
-- @treturn boolean
-- @treturn number|nil where it may not: when to ask again, if nothing comes before
function Brake:spend(now)
   if now < self.hold then return false, self.hold end
   local limit = self:limit()
   if not limit then return true end
   if self.parts then return spend_alone(self, now, limit) end
   if self.tokens > 0 and now < self.lapse then
      self.tokens = self.tokens - 1
      return true
   end
   if self.asked_at and now - self.asked_at < PATIENCE then return false, self.asked_at + PATIENCE end
   if now < self.retry_at then return false, self.retry_at end
   ask(self, now, limit)
   if self.tokens > 0 and now < self.lapse then return self:spend(now) end
   return false, self.asked_at and now + PATIENCE or self.retry_at
end

--- A request has met a 429.
-- @tparam number used requests a second, as far as this member knows
-- @tparam number retry_after seconds; 0: none
function Brake:limited(used, retry_after)
   local now = self.host.now()
   self.tokens = 0
   if retry_after > 0 then self.hold = math.max(self.hold, now + retry_after) end
   local function told(reply)
      local rate = type(reply) == "table" and tonumber(reply[1])
      if rate then self:learn(rate / 1000, (tonumber(reply[2]) or 0) / 1000) end
   end
   local arguments = {
      ("%d"):format(ROUND * 1000), ("%d"):format(math.ceil(retry_after * 1000)), ("%.3f"):format(used),
      ("%.3f"):format(self.most),
   }
   if self.parts or not self.run("cut", arguments, told) then
      self.rate = math.max((self.rate > 0 and self.rate or math.max(used, 2)) / 2, 0.25)
   end
end

return { new = new }
