--- A member's own ids, what it tells the leader of them, and what it hears of them.
--
-- Changes are announced one after the other by number. All ids are announced again to each new
-- leader, when asked, and when a piece of news is missing.
local core = require "topaz.core"
local pack = require "topaz.share.pack"
local patience = require "topaz.share.patience"
local words = require "topaz.words"

local CHUNK = 4096     -- ids in one entry of a stream: 64 kB
local WINDOW = 32      -- entries that are announced until the last of them was taken: 2 MB
local RETRY = 3        -- seconds until what Redis or the API refused is tried again
local MISSED_MOST = 1e9 -- entries that may be missing; by far more: no leader has written this

local Follow = {}
Follow.__index = Follow

--- Without ids.
-- @tparam table member `name`, `union`, `link`, `keys`, `host`, `wants`
local function new(member)
   return setmetatable({
      member = member, own = {}, count = 0, digest = 0,
      epoch = 0, sent = 0, heard = 0, -- of this leader: entries announced, entries heard
      hints = {},                     -- keys of jobs that may have changed
      to_ask = {}, ask_at = -math.huge, asking = false, -- keys that the leader cannot ask for
      changes = {},                   -- key -> true: to announce as new; false: as not wanted
      run = {},                       -- another one for each announcement of all ids
      full_at = nil, flush_at = nil,  -- when all ids, when the changes are to be announced
      patience = member.host.max_delay and patience.new(member.host.max_delay),
   }, Follow)
end

-- ---- own ids ------------------------------------------------------------------------------------

local function count(self, key, by)
   self.count, self.digest = self.count + by, self.digest ~ pack.digest(key)
end

local function note(self, key, change)
   if self.member.role ~= "follow" then return end -- all are announced when it becomes so
   if self.changes[key] == not change then self.changes[key] = nil else self.changes[key] = change end
   if not self.flush_at then self.flush_at = self.member.host.now() + self.member:tell_pause() end
end

--- A watcher of this member wants to hear of the job.
function Follow:add(key)
   local before = self.own[key]
   self.own[key] = (before or 0) + 1
   if before then return end
   count(self, key, 1)
   if self.patience then self.patience:add(key, self.member.host.now()) end
   note(self, key, true)
end

--- One does not any more.
function Follow:remove(key)
   local before = self.own[key]
   if not before then return end
   self.own[key] = before > 1 and before - 1 or nil
   if before > 1 then return end
   count(self, key, -1)
   if self.patience then self.patience:remove(key) end
   note(self, key, false)
end

--- A hint that the job may have changed has come to this member: the leader is told.
function Follow:hint(key)
   self.hints[#self.hints + 1] = key
   if not self.flush_at then self.flush_at = self.member.host.now() + self.member:tell_pause() end
end

--- The job has come to its end: nobody here waits for it now.
function Follow:over(key)
   if not self.own[key] then return end
   self.own[key], self.changes[key] = nil, nil
   count(self, key, -1)
   if self.patience then self.patience:remove(key) end
end

--- The job was looked at.
function Follow:looked(key)
   if self.patience then self.patience:look(key, self.member.host.now()) end
end

-- ---- announcing ---------------------------------------------------------------------------------

--- Forgets what was announced: the member begins anew under another name.
function Follow:restart()
   self.epoch, self.changes, self.full_at, self.flush_at, self.to_ask, self.run = 0, {}, nil, nil, {}, {}
end

--- Announces all ids to the leader of that epoch.
function Follow:announce(epoch)
   if epoch ~= self.epoch then self.epoch, self.sent, self.heard = epoch, 0, 0 end
   self.full_at = self.member.host.now()
end

local function send(self, kind, ids, is_last, answered)
   local member = self.member
   self.sent = self.sent + 1
   local bytes = {}
   for i, key in ipairs(ids) do bytes[i] = pack.id(key) end
   local max_delay = member.host.max_delay and ("%g"):format(member.host.max_delay) or ""
   return member:run("tell", {
      "m", member.name, "e", ("%d"):format(self.epoch), "s", ("%d"):format(self.sent), "h", ("%d"):format(self.heard),
      "k", kind, "l", is_last and "1" or "0", "w", member.wants and "1" or "0", "p", max_delay,
      "d", table.concat(bytes),
   }, function(reply)
      if type(reply) ~= "string" then self.full_at = self.full_at or member.host.now() + RETRY
      elseif answered then answered() end
   end)
end

-- Announces ids, some entries at a time: the connection holds only so many bytes. All ids take the
-- place of what is still to be announced.
local function send_all(self, ids, first, more)
   local at = 1
   local run = first == "F" and {} or self.run
   self.run = run
   local function go_on()
      if self.run ~= run then return end
      for i = 1, WINDOW do
         local chunk = table.move(ids, at, math.min(at + CHUNK - 1, #ids), 1, {})
         at = at + CHUNK
         local is_last = at > #ids
         local is_sent = send(self, first, chunk, is_last, i == WINDOW and not is_last and go_on or nil)
         if not is_sent or is_last then return end
         first = more
      end
   end
   go_on()
end

local function announce_due(self, now)
   if self.full_at and now >= self.full_at then
      local ids = {}
      for key in pairs(self.own) do ids[#ids + 1] = key end
      self.full_at, self.flush_at, self.changes = nil, nil, {}
      send_all(self, ids, "F", "f")
   elseif self.flush_at and now >= self.flush_at then
      local added, removed = {}, {}
      for key, change in pairs(self.changes) do
         local list = change and added or removed
         list[#list + 1] = key
      end
      self.flush_at, self.changes = nil, {}
      if #removed > 0 then send_all(self, removed, "D", "D") end
      if #added > 0 then send_all(self, added, "A", "A") end
   end
   if #self.hints > 0 and not self.flush_at then
      local hints = self.hints
      self.hints = {}
      send_all(self, hints, "H", "H")
   end
   if self.full_at and self.flush_at then return math.min(self.full_at, self.flush_at) end
   return self.full_at or self.flush_at
end

-- Asks the API itself for the next job that the leader cannot ask for: one at a time, in the farm's
-- rate.
local function ask_next(self, now)
   if self.asking or #self.to_ask == 0 then return nil end
   if now < self.ask_at then return self.ask_at end
   local member, key = self.member, self.to_ask[1]
   if self.own[key] then
      local allowed, at = member.brake:spend(now)
      if not allowed then return at end
   end
   table.remove(self.to_ask, 1)
   if not self.own[key] then return ask_next(self, now) end
   self.asking = true
   member.host.get(key, function(status, err)
      self.asking, member.dirty = false, true
      if not self.own[key] then return end
      if status then
         member.union:heard(status)
         if self.own[key] then note(self, key, true) end -- the leader has forgotten it
      elseif err.kind == "not_found" then member.union:heard_lost(key, err)
      elseif words.is_passing[err.kind] then
         table.insert(self.to_ask, key)
         self.ask_at = member.host.now() + math.max(RETRY, err.retry_after or 0)
      else member.union:heard_refused(key, err) end
   end)
   return nil
end

--- Announces what is due, and asks for what the leader cannot ask for.
-- @treturn number|nil when it has to be called again
function Follow:turn(now)
   local asks_at = ask_next(self, now)
   local due = self.member.link.commands and announce_due(self, now)
   return asks_at and due and math.min(asks_at, due) or asks_at or due or nil
end

--- What the others see of this member: epoch, entries announced, entries heard, ids, digest,
-- flags (1: it wants progress; 2: ids and digest are ahead of what was announced), and a number
-- that is always another one.
function Follow:about(number)
   local flags = (self.member.wants and 1 or 0) + ((self.flush_at or self.full_at) and 2 or 0)
   return ("%d %d %d %d %016x %d %d"):format(self.epoch, self.sent, self.heard, self.count, self.digest, flags,
      number)
end

-- ---- hearing ------------------------------------------------------------------------------------

local hear = {}

-- Ended statuses, or unfinished ones with a word that progress has no number for.
function hear.E(self, data)
   for _, text in ipairs(pack.split(data) or {}) do
      local status = pack.unpack_status(text)
      if status then self.member.union:heard(status) end
   end
end

function hear.P(self, data)
   for _, status in ipairs(pack.unpack_progress(data) or {}) do self.member.union:heard(status) end
end

-- Jobs that the server does not know.
function hear.G(self, data)
   for _, key in ipairs(pack.unpack_ids(data) or {}) do
      self.member.union:heard_lost(key, core.error {
         kind = "not_found", operation = "get_status", process_id = key, http_status = 404,
         message = "the server does not know this job; another member of the farm has asked",
      })
   end
end

-- Jobs that the leader cannot ask for, or whose status is too long: this member asks itself, and
-- meets the reason.
function hear.S(self, data)
   local waits = {}
   for _, key in ipairs(self.to_ask) do waits[key] = true end
   for _, key in ipairs(pack.unpack_ids(data) or {}) do
      if self.own[key] and not waits[key] then
         waits[key] = true
         table.insert(self.to_ask, key)
      end
   end
end

hear["?"] = function(self) self.full_at = self.member.host.now() end

--- An entry of this member's stream has come.
function Follow:hear(fields)
   local epoch, number = math.tointeger(tonumber(fields.e)), math.tointeger(tonumber(fields.s))
   if not epoch or not number or not fields.d then return end
   if epoch == self.epoch then
      -- sent again, or forged
      if number <= self.heard or number - self.heard > MISSED_MOST then return end
      if number > self.heard + 1 then self.full_at = self.member.host.now() end
      self.heard = number
   end
   -- News of another leader are true as well: they came from the API.
   if hear[fields.k] then hear[fields.k](self, fields.d) end
end

return { new = new }
