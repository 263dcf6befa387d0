--- What a leader does for the others: it holds their jobs, and publishes what becomes of them.
local pack = require "topaz.share.pack"
local patience = require "topaz.share.patience"

local GONE_AFTER = 20    -- seconds without a sign, after which a member's jobs are forgotten
local TOGETHER = 0.1     -- seconds in which news are published together
local RETRY = 1          -- seconds until what Redis refused is published again
local TRIES = 8          -- of a batch that it refuses, a second each: longer than it may be silent
local CHUNK = 60000      -- bytes of an entry
local BATCH = 200        -- members that are told something by one command
local BATCH_BYTES = 1000000 -- that are told by one command, and one entry more
local HEARD_MOST = 1e9   -- entries that a member may have heard and this leader does not know of
local STATUS_MOST = 250000 -- bytes of a status: 64 entries of a stream fit into what a reader takes

local Lead = {}
Lead.__index = Lead

--- A leader without followers.
-- @tparam table member `name`, `union`, `link`, `keys`, `host`
-- @tparam integer epoch
local function new(member, epoch)
   local self = setmetatable({
      member = member, epoch = epoch, others = {}, gone = {},
      fresh = 0,         -- members that have announced all their ids
      loud = {},         -- others with something to publish, in order
      flush_at = -math.huge,
      batch = nil,       -- what is being published: { keys, arguments }
      batch_sent = false,
      impatient = patience.turns(),
   }, Lead)
   local own = member.follow.patience
   if own then
      own:restart(member.host.now())
      self.impatient:add(own)
   end
   return self
end

-- ---- a follower, as a holder of jobs ------------------------------------------------------------

local Other = {}
Other.__index = Other

-- `heard`: how much it has heard of this epoch by its own word; numbers go on from there.
local function other_of(self, name, heard)
   local other = self.others[name]
   if heard - (other and other.published or 0) > HEARD_MOST then heard = 0 end -- forged
   if other then
      other.published = math.max(other.published, heard)
      return other
   end
   other = setmetatable({
      lead = self, name = name, published = heard, count = 0, digest = 0, changed_at = self.member.host.now(),
      processed = nil, -- entries of its announcements; nil: none of this epoch
      wants = false, ends = {}, unknown = {}, refusals = {}, progress = {}, ask = false,
      entries = {}, -- of its stream, in order: { kind, data }, to be put into a batch
   }, Other)
   self.others[name] = other
   return other
end

local function is_loud(other)
   if other.waits then return end
   other.waits = true
   table.insert(other.lead.loud, other)
end

local function forget(other, key)
   other.count, other.digest = other.count - 1, other.digest ~ pack.digest(key)
   other.progress[key] = nil
   if other.patience then other.patience:remove(key) end
end

-- A status that is too long goes to its member by the API: see Other:refused.
function Other:ended(key, status)
   local text = pack.status(status)
   if #text > STATUS_MOST then return self:refused(key) end
   forget(self, key)
   table.insert(self.ends, text)
   is_loud(self)
end

function Other:lost(key)
   forget(self, key)
   table.insert(self.unknown, pack.id(key))
   is_loud(self)
end

function Other:refused(key)
   forget(self, key)
   table.insert(self.refusals, pack.id(key))
   is_loud(self)
end

function Other:seen(key, status, changed)
   if self.patience then self.patience:look(key, self.lead.member.host.now()) end
   if not changed or not self.wants then return end
   local text = pack.progress(key, status) or pack.status(status)
   if #text > STATUS_MOST then return end
   self.progress[key] = text
   is_loud(self)
end

-- ---- announcements ------------------------------------------------------------------------------

local function add(self, other, key)
   if not self.member.union:hold(key, other) then return end
   other.count, other.digest = other.count + 1, other.digest ~ pack.digest(key)
   if other.patience then other.patience:add(key, self.member.host.now()) end
   local status = other.wants and self.member.union:status_of(key)
   if status then other:seen(key, status, true) end
end

local function remove(self, other, key)
   if self.member.union:release(key, other) then forget(other, key) end
end

local function drop(self, name)
   local other = self.others[name]
   if not other then return end
   self.others[name] = nil
   if other.processed then self.fresh = self.fresh - 1 end
   if other.patience then self.impatient:remove(other.patience) end
   if other.count == 0 then return end
   for _, key in ipairs(self.member.union:keys_of(other)) do remove(self, other, key) end
end

local function ask_again(other)
   other.ask = true
   is_loud(other)
end

-- How long a member wants to wait at most, as it says with its first ids.
local function note_patience(self, other, text)
   local max_delay = not other.patience and tonumber(text)
   if not max_delay or not (max_delay > 0 and max_delay < math.huge) then return end
   other.patience = patience.new(max_delay)
   self.impatient:add(other.patience)
end

-- All ids of a member, in one entry or several: the old ones that do not come again are released.
local function begin_full(self, other)
   other.before = {}
   if other.count == 0 then return end
   for _, key in ipairs(self.member.union:keys_of(other)) do other.before[key] = true end
end

local function end_full(self, other)
   for key in pairs(other.before or {}) do remove(self, other, key) end
   other.before = nil
end

--- An announcement of a member has come.
function Lead:told(fields)
   local name, number = fields.m, math.tointeger(tonumber(fields.s))
   if fields.k == "L" and name then return drop(self, name) end
   if not name or not number or math.tointeger(tonumber(fields.e)) ~= self.epoch or name == self.member.name then
      return
   end
   local ids, heard = pack.unpack_ids(fields.d or ""), math.tointeger(tonumber(fields.h))
   if not ids or not heard then return end
   local other, kind = other_of(self, name, heard), fields.k
   if kind ~= "F" and (not other.processed or number ~= other.processed + 1) then
      if number > (other.processed or 0) then ask_again(other) end
      return
   end
   if not other.processed then self.fresh = self.fresh + 1 end
   other.processed, other.changed_at, other.wants = number, self.member.host.now(), fields.w == "1"
   if other.count == 0 then note_patience(self, other, fields.p) end
   if kind == "F" then begin_full(self, other) end
   for _, key in ipairs(ids) do
      if other.before then other.before[key] = nil end
      if kind == "D" then remove(self, other, key)
      elseif kind == "H" then self.member:hint(key)
      else add(self, other, key) end
   end
   if fields.l == "1" and (kind == "F" or kind == "f") then end_full(self, other) end
end

-- ---- looking after the members ------------------------------------------------------------------

local function read_about(text)
   local epoch, sent, heard, count, digest, flags = text:match "^(%d+) (%d+) (%d+) (%d+) (%x+) ([0-3]) %d+ %d+$"
   if not epoch or #digest ~= 16 then return nil end
   return {
      epoch = math.tointeger(tonumber(epoch)), sent = math.tointeger(tonumber(sent)),
      heard = math.tointeger(tonumber(heard)), count = math.tointeger(tonumber(count)),
      digest = math.tointeger(tonumber(digest, 16)),
      wants = tonumber(flags) & 1 == 1, ahead = tonumber(flags) & 2 == 2,
   }
end

-- Whether something between the two was lost, as far as two signs of the member tell.
local function is_wrong(other, about)
   local processed, before = other.processed or 0, other.checked
   other.checked = { sent = about.sent, heard = about.heard, processed = processed, published = other.published }
   if other.waits or about.ahead then return false end -- a digest is ahead of what was told
   if about.sent == processed and about.heard == other.published then
      return about.count ~= other.count or about.digest ~= other.digest
   end
   if not before or about.sent ~= before.sent or about.heard ~= before.heard then return false end
   return about.sent ~= processed and processed == before.processed or about.heard < before.published
end

--- Compares what the members say of themselves with what is known of them.
-- @tparam table entries name, text, name, text…
-- @treturn boolean whether all members have announced their ids
function Lead:check(entries)
   local now, missing = self.member.host.now(), false
   for i = 1, #entries - 1, 2 do
      local name, text = entries[i], entries[i + 1]
      local about = name ~= self.member.name and type(text) == "string" and read_about(text)
      if about then
         local other = other_of(self, name, about.epoch == self.epoch and about.heard or 0)
         if other.text ~= text then
            other.text, other.changed_at = text, now
            if about.epoch == self.epoch then
               other.wants = about.wants
               if is_wrong(other, about) then ask_again(other) end
            end
         end
         missing = missing or not other.processed
      end
   end
   for name, other in pairs(self.others) do
      if now - other.changed_at >= GONE_AFTER then
         drop(self, name)
         self.gone[#self.gone + 1] = name
      end
   end
   return not missing
end

--- The names of members that are gone, once.
function Lead:take_gone()
   local gone = self.gone
   self.gone = {}
   return gone
end

--- Forgets the others and their jobs.
function Lead:close()
   local names = {}
   for name in pairs(self.others) do names[#names + 1] = name end
   for _, name in ipairs(names) do drop(self, name) end
end

-- ---- publishing ---------------------------------------------------------------------------------

-- Cuts texts into pieces of CHUNK bytes.
local function pieces(texts, join)
   local out, from, size = {}, 1, 0
   for i, text in ipairs(texts) do
      if size > 0 and size + #text > CHUNK then
         out[#out + 1] = join(table.move(texts, from, i - 1, 1, {}))
         from, size = i, 0
      end
      size = size + #text + 4
   end
   if from <= #texts then out[#out + 1] = join(table.move(texts, from, #texts, 1, {})) end
   return out
end

-- Makes entries of what is to be told to a member.
local function make_entries(other)
   local packed, texts, entries = {}, other.ends, other.entries
   for _, text in pairs(other.progress) do
      local list = #text == pack.PROGRESS_SIZE and packed or texts
      list[#list + 1] = text
   end
   local function enter(kind, list, join)
      for _, data in ipairs(pieces(list, join)) do entries[#entries + 1] = { kind, data } end
   end
   enter("P", packed, table.concat)
   enter("E", texts, pack.join)
   enter("G", other.unknown, table.concat)
   enter("S", other.refusals, table.concat)
   if other.ask then entries[#entries + 1] = { "?", "" } end
   other.progress, other.ends, other.unknown, other.refusals, other.ask = {}, {}, {}, {}, false
end

local function put(batch, other, kind, data)
   other.published = other.published + 1
   local member, arguments = other.lead.member, batch.arguments
   batch.keys[#batch.keys + 1] = member.out_of(other.name)
   arguments[#arguments + 1] = ("%d"):format(other.published)
   arguments[#arguments + 1] = kind
   arguments[#arguments + 1] = data
   batch.bytes = batch.bytes + #data
end

-- Puts into the batch what is to be told to a member, as far as there is room. Whether all of it
-- was put.
local function gather(batch, other)
   make_entries(other)
   local entries, count = other.entries, 0
   while entries[count + 1] and batch.bytes < BATCH_BYTES do
      count = count + 1
      put(batch, other, entries[count][1], entries[count][2])
   end
   other.entries = table.move(entries, count + 1, #entries, 1, {})
   return #other.entries == 0
end

local function make_batch(self)
   local batch = {
      keys = { self.member.keys.lease }, arguments = { self.member.name, ("%d"):format(self.epoch) }, bytes = 0,
   }
   local rest = {}
   for _, other in ipairs(self.loud) do
      if self.others[other.name] ~= other then other.waits = nil
      elseif #batch.keys > BATCH or not gather(batch, other) then rest[#rest + 1] = other
      else other.waits = nil end
   end
   self.loud = rest
   return #batch.keys > 1 and batch or nil
end

local function publish(self)
   self.batch_sent = true
   local batch, sent_at = self.batch, self.member.host.now()
   self.member.link:run("publish", batch.keys, batch.arguments, function(reply)
      if self.batch ~= batch then return end
      self.batch_sent = false
      if reply == 1 then
         self.batch = nil
         self.member:renewed(sent_at)
      elseif reply == 0 then
         self.batch = nil
         self.member:refused()
      else -- it is sent again, with the same numbers; given up, the gap in them tells the members
         if reply then batch.refused = (batch.refused or 0) + 1 end
         if batch.refused == TRIES then self.batch = nil end
         self.flush_at = self.member.host.now() + RETRY
      end
   end)
end

--- Asks for jobs that have waited too long, between the requests for all.
-- @treturn number|nil when it has to be called again
function Lead:hasten(now) return self.impatient:turn(now, self.member.union.plan, self.member.brake:limit()) end

--- Publishes what is due. One command is under way at a time: what comes meanwhile goes together.
-- @treturn number|nil when it has to be called again
function Lead:turn(now)
   if self.batch_sent or not self.member.link.commands then return nil end
   if not self.batch and #self.loud == 0 then return nil end
   if now < self.flush_at then return self.flush_at end
   self.batch = self.batch or make_batch(self)
   self.flush_at = now + TOGETHER
   if self.batch then publish(self) end
   return nil
end

--- The connection was lost: what was under way will be sent again.
function Lead:lost()
   self.batch_sent = false
   self.flush_at = self.member.host.now()
end

return { new = new }
