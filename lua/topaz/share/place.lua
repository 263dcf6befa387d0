--- A watcher's place in the member of its process: which jobs it wants to hear of, and whether it
-- waits in its loop. The listener has the methods of a holder: see topaz.share.union.
local beat = require "topaz.share.beat"

local Place = {}
Place.__index = Place

--- A watcher has come. The first one brings the member into the farm, under a name of its own.
-- @tparam topaz.share.member member
-- @tparam table listener
-- @treturn table its place
local function new(member, listener)
   member.joins = (member.joins or 0) + 1
   if member.joins == 1 then member:begin() end
   return setmetatable({ member = member, listener = listener, inside = 0, keys = {} }, Place)
end

--- The watcher has gone. The last one takes the member out of the farm, at once.
function Place:leave()
   local member = self.member
   if not member then return end
   local keys = {}
   for key in pairs(self.keys) do keys[#keys + 1] = key end
   for _, key in ipairs(keys) do self:release(key) end
   self.member, member.inside, member.joins = nil, member.inside - self.inside, member.joins - 1
   if member.joins > 0 then return end
   beat.leave(member)
   member:finish()
end

--- The watcher waits in its loop from now on.
function Place:enter()
   local member = self.member
   if not member then return end
   self.inside, member.inside, member.dirty = self.inside + 1, member.inside + 1, true
end

--- It does not any more.
function Place:exit()
   local member = self.member
   if not member then return end
   self.inside, member.inside, member.left_at = self.inside - 1, member.inside - 1, member.host.now()
end

--- The watcher wants to hear of the job.
-- @tparam string key its id in lower case
function Place:hold(key)
   local member = self.member
   if not member or not member.union:hold(key, self) then return end
   self.keys[key], member.dirty = true, true
   member.follow:add(key)
end

--- It does not any more.
function Place:release(key)
   local member = self.member
   if not member or not self.keys[key] then return end
   self.keys[key] = nil
   member.union:release(key, self)
   member.follow:remove(key)
   if member.union.plan.outstanding == 0 then member.poll:forget() end
end

--- The job may have changed.
function Place:hint(key)
   if self.member and self.keys[key] then self.member:hint(key) end
end

-- ---- as a holder of jobs ------------------------------------------------------------------------

function Place:seen(key, status, changed)
   self.member.follow:looked(key)
   self.listener:seen(key, status, changed)
end

local function over(self, key)
   self.keys[key] = nil
   self.member.follow:over(key)
end

function Place:ended(key, status)
   over(self, key)
   self.listener:ended(key, status)
end

function Place:lost(key, err)
   over(self, key)
   self.listener:lost(key, err)
end

function Place:refused(key, err)
   over(self, key)
   self.listener:refused(key, err)
end

return { new = new }
