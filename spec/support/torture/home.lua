-- What is alive while a scene of the torture plays: clients, cursors, requests, a task, a watcher;
-- every deed that can be done to them (each method and metamethod that their metatables have,
-- so that a new one is tried too); and what must hold afterwards.
local topaz = require "topaz"
local control = require "topaz.emulator.control"

local home = {}

local KEY = os.getenv "TORTURE_KEY"
local URL = os.getenv "TORTURE_URL"
local PORT = tonumber(os.getenv "TORTURE_PORT" or "0")
local JOBS = 7
local STEPS_MOST = 500 -- of 10 ms each, until nothing is pending any more

local KINDS = {}
for kind in ([[bad_request unauthorized forbidden not_found conflict rate_limited server_error unexpected_status
   timeout network tls protocol too_large cancelled closed]]):gmatch "%S+" do
   KINDS[kind] = true
end

-- Errors that are texts: misuse, and what may not be done inside itself.
local ALLOWED = {
   "bad argument '", "bad argument #", "inside itself", "the task still runs", "a task cannot await itself",
   "cannot yield here", "was called in a task", "another task is waiting in", "attempt to yield",
   "invalid key to 'next'", "unknown type of an option", "^boom$",
}

-- ---- the world ----------------------------------------------------------------------------------

local ids

--- The jobs as they are at the start of each case.
function home.reset()
   control.call(PORT, "reset")
   ids = control.call(PORT, "add_jobs", { specs = { { count = JOBS, status = "Completed" } }, want_ids = true }).ids
end

function home.fault(fault) control.call(PORT, "fault", fault) end

function home.options(more)
   local options = { api_key = KEY, base_url = URL, retry_base = 0.001, retry_cap = 0.002, timeout = 20 }
   for name, value in pairs(more or {}) do options[name] = value end
   return options
end

-- ---- what is alive ------------------------------------------------------------------------------

local makers = {
   client = function(self)
      return topaz.client(home.options { on_event = function(event) self.fire(event.type) end })
   end,
   other = function() return topaz.client(home.options()) end,
   cursor = function(self) return (self.client:statuses { limit = 3 }) end,
   bystander = function(self)
      local cursor = self.client:statuses { limit = 2 }
      cursor()
      return cursor
   end,
   array = function(self)
      local cursor = self.client:statuses { paginated = false }
      cursor()
      return cursor
   end,
   request = function(self) return self.client:start("get_page", { limit = 5 }) end,
   done = function(self)
      local request = self.client:start("get_page", { limit = 5 })
      while not request:done() do self.client:step(0.1) end
      return request
   end,
   deletion = function(self) return self.client:start("delete_status", self.ids[JOBS - 1]) end,
   task = function(self)
      local client, id = self.client, self.ids[1]
      return client:spawn(function()
         for _ = 1, 2 do
            client:get_status(id)
            client:sleep(0.001)
         end
         return "over"
      end)
   end,
   watcher = function(self) return (self.client:watch { self.ids[1], self.ids[2] }) end,
}
home.members = { "client", "other", "cursor", "bystander", "array", "request", "done", "deletion", "task", "watcher" }

-- A household makes its members when they are first asked for.
local Home = {
   __index = function(self, name)
      local make = makers[name]
      if not make then return nil end
      local made = make(self)
      rawset(self, name, made)
      return made
   end,
}

--- A household. `fire(what)` is called wherever the core calls Lua of ours.
function home.new(fire)
   return setmetatable({
      ids = ids, fire = fire or function() end, seen = {}, given = {}, problems = {}, extra = {},
   }, Home)
end

function home.problem(self, text, ...) self.problems[#self.problems + 1] = text:format(...) end

--- Notes a status that a list has given: none may come twice, nor be torn.
function home.take(self, list, status)
   if type(status) ~= "table" or type(status.process_id) ~= "string" or type(status.status) ~= "string" then
      return home.problem(self, "a status that is none: %s", tostring(status))
   end
   local seen = self.seen[list] or {}
   self.seen[list] = seen
   if seen[status.process_id] then home.problem(self, "given twice: %s", status.process_id) end
   seen[status.process_id] = true
end

--- Looks at an error: an error object without the key in it, or one of the texts that are allowed.
function home.error(self, err, where)
   local text = tostring(err)
   if text:find(KEY, 1, true) then home.problem(self, "%s: the key is in an error: %s", where, text) end
   if type(err) == "table" and KINDS[err.kind] then
      self.kind = err.kind
      return err.kind
   end
   for _, pattern in ipairs(ALLOWED) do
      if text:find(pattern) then return end
   end
   home.problem(self, "%s: %s", where, text)
end

-- ---- deeds --------------------------------------------------------------------------------------

-- What methods are called with; any other one is called with an id.
local arguments = {
   get_page = function() return { limit = 3 } end,
   delete_status = function(self) return self.ids[JOBS] end,
   delete_all_statuses = function() end,
   statuses = function() return { limit = 3 } end,
   start = function() return "get_page" end,
   step = function() return 0.001 end,
   run = function() end,
   spawn = function() return function() return "spawned" end end,
   sleep = function() return 0.001 end,
   wait_until_done = function(self) return self.ids[1], { timeout = 5 } end,
   watch = function(self) return { self.ids[3] } end,
   wait_all = function(self) return { self.ids[3] } end,
   wait_any = function(self) return { self.ids[3] } end,
   offer = function(self) return { process_id = self.ids[1] } end,
   delete_finished = function() end,
}
local DESTROYS = { delete_status = true, delete_all_statuses = true, delete_finished = true }
local HIDDEN = { __index = true, __name = true, __metatable = true, __mode = true }

local function is_iterator(value)
   return type(value) == "function" or (type(value) == "userdata" or type(value) == "table") and
      (debug.getmetatable(value) or {}).__call ~= nil
end

-- Calls the member's method, and what it gives when that is an iterator, a few times.
local function call(self, member, name, f)
   local object = self[member]
   local pass = arguments[name] or function(h) return h.ids[1] end
   local result = table.pack(pcall(f, object, pass(self)))
   if not result[1] then return home.error(self, result[2], "the deed") end
   if result[2] == nil and result[3] ~= nil then home.error(self, result[3], "the deed") end
   if member == "cursor" and (name == "in_page" or name == "__call") and type(result[2]) == "table" then
      home.take(self, object, result[2])
   end
   if name == "start" or name == "spawn" then self.extra[#self.extra + 1] = result[2] end
   if not is_iterator(result[2]) or name == "start" then return end
   self.extra[#self.extra + 1] = result[2]
   for _ = 1, 4 do
      local ok, value = pcall(result[2])
      if not ok then return home.error(self, value, "the deed's loop") end
      if value == nil then return end
      if member == "cursor" then
         for _, status in ipairs(#value > 0 and value or { value }) do home.take(self, object, status) end
      end
   end
end

-- Every table of options that a scene is just handing over gets longer, or loses what it has.
local function change(self)
   for _, options in ipairs(self.given) do
      local names = {}
      for name in next, options do names[#names + 1] = name end
      for i, name in ipairs(names) do if i % 2 == 0 then options[name] = nil end end
      for i = 1, 200 do options["more" .. i] = true end
   end
end

--- All deeds: { name, member, destroys, run = function(household) }, in the same order each time.
function home.deeds()
   local sample, list = home.new(), {}
   for _, member in ipairs(home.members) do
      local meta = debug.getmetatable(sample[member])
      local methods, names = {}, {}
      for name, f in pairs(type(meta.__index) == "table" and meta.__index or {}) do methods[name] = f end
      for name, f in pairs(meta) do methods[name] = f end
      for name, f in pairs(methods) do
         if type(f) == "function" and not HIDDEN[name] then names[#names + 1] = name end
      end
      table.sort(names)
      for _, name in ipairs(names) do
         list[#list + 1] = {
            name = member .. ":" .. name, member = member, destroys = DESTROYS[name] or member == "deletion",
            leaves_tasks = member == "client" and name == "__gc",
            run = function(self) return call(self, member, name, methods[name]) end,
         }
      end
   end
   list[#list + 1] = { name = "options are changed", run = change }
   list[#list + 1] = { name = "an error", run = function() error("boom", 0) end, raises = true }
   home.close(sample)
   return list
end

-- ---- what must hold afterwards ------------------------------------------------------------------

-- Steps until nothing is under way.
local function drain(self, name, client)
   if not topaz.core.is_open(client) then return end
   for _ = 1, STEPS_MOST do
      local ok, pending, alive = pcall(client.step, client, 0)
      if not ok then
         home.error(self, pending, "a step afterwards")
         if not topaz.core.is_open(client) then return end
      elseif pending == 0 and alive == 0 then
         break
      else
         pcall(client.step, client, 0.01)
      end
   end
   local ok, pending = pcall(function() return client:stats().pending end)
   if not ok then home.error(self, pending, "stats afterwards")
   elseif pending ~= 0 then home.problem(self, "%s: %d requests stay pending", name, pending) end
   local alive = topaz.core.state(client).alive or 0
   if alive ~= 0 then home.problem(self, "%s: %d tasks never end", name, alive) end
end

-- The next call works, or says that the client is closed.
local function ask(self, name, client, destroyed)
   local was_open = topaz.core.is_open(client)
   local ok, status, err = pcall(client.get_status, client, self.ids[1])
   if not ok then status, err = nil, status end
   if status then
      if not was_open then home.problem(self, "%s: a closed client answers", name) end
      if status.process_id ~= self.ids[1] then home.problem(self, "%s: another status than was asked for", name) end
      return
   end
   local kind = home.error(self, err, "the next call")
   if not was_open and kind ~= "closed" then home.problem(self, "%s: closed, and says %s", name, tostring(err)) end
   if was_open and kind ~= (destroyed and "not_found") then
      home.problem(self, "%s: the next call: %s", name, tostring(err))
   end
end

--- Whatever was begun ends, nothing stays pending,
-- and the clients answer or say that they are closed.
function home.settle(self, destroyed, leaves_tasks)
   for _, member in ipairs { "cursor", "bystander", "array", "watcher" } do
      local object = rawget(self, member)
      if object then pcall(object.close, object) end
   end
   for _, object in ipairs(self.extra) do
      local kind = (debug.getmetatable(object) or {}).__name
      if kind == "topaz.cursor" or kind == "topaz.watcher" then pcall(object.close, object) end
   end
   for _, name in ipairs { "client", "other", "third" } do
      local client = rawget(self, name)
      if client then
         drain(self, name, client)
         ask(self, name, client, destroyed)
         drain(self, name, client)
      end
   end
   if rawget(self, "client") and not topaz.core.is_open(self.client) then
      -- the deed's error may have come in the midst of close(): what it left is done now
      pcall(self.client.close, self.client)
   end
   for _, member in ipairs { "request", "done", "deletion", "task" } do
      local object = rawget(self, member)
      if object and not object:done() and not (leaves_tasks and member == "task") then
         home.problem(self, "%s: is not done when nothing is pending", member)
      end
   end
end

--- How many statuses a list has given.
function home.count(self, list)
   local count = 0
   for _ in pairs(list and self.seen[list] or {}) do count = count + 1 end
   return count
end

--- Closes what is left; closing twice is fine.
function home.close(self)
   for _, name in ipairs { "client", "other", "third" } do
      local client = rawget(self, name)
      if client then
         for _ = 1, 2 do
            local ok, err = pcall(client.close, client)
            if not ok then home.error(self, err, "close") end
         end
      end
   end
end

return home
