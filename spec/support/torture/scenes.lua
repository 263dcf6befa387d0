-- The scenes of the torture: each makes the core do one thing in which Lua can run. `ready`:
-- what must be there before it begins; `play`: the thing itself; `whole`: it lists every job;
-- `destroys`: it deletes jobs.
local topaz = require "topaz"
local home = require "spec.support.torture.home"
local core = topaz.core

local scenes = {}

local function scene(name, description)
   description.name = name
   scenes[#scenes + 1] = description
end

-- The options are noted, so that they can be changed while they are read, and have metamethods.
local function given(self, options, metatable)
   self.given[#self.given + 1] = options
   return setmetatable(options, metatable or self.meddler_of_options)
end

local function result(self, value, err)
   if value == nil then home.error(self, err, "the call") end
   return value
end

local function repeated(times, f) return function(self) for i = 1, times do f(self, i) end end end

-- ---- lists --------------------------------------------------------------------------------------

scene("a list of pages", {
   ready = { "cursor" }, whole = true,
   play = function(self) for status in self.cursor do home.take(self, self.cursor, status) end end,
})
scene("a list page by page", {
   ready = { "cursor" }, whole = true,
   play = function(self)
      for page in self.cursor:pages() do
         for _, status in ipairs(page) do home.take(self, self.cursor, status) end
      end
   end,
})
scene("a plain array", {
   ready = { "client" }, whole = true,
   play = function(self)
      self.cursor = self.client:statuses { paginated = false }
      for status in self.cursor do home.take(self, self.cursor, status) end
   end,
})
scene("a list with fields and where", {
   ready = { "client" }, whole = true,
   play = function(self)
      self.cursor = self.client:statuses(given(self, {
         limit = 4, fields = given(self, { "process_id", "status", "progress" }),
         where = given(self, { status = given(self, { Completed = true, Failed = true, Pending = false }) }),
      }))
      for status in self.cursor do home.take(self, self.cursor, status) end
   end,
})
scene("options of a list", {
   ready = { "client" },
   play = repeated(3, function(self)
      local set = {}
      for i = 1, 20 do set["word" .. i] = true end
      local cursor <close> = self.client:statuses(given(self, {
         limit = 2, prefetch = 0, fields = given(self, { "status", "progress", "eta" }),
         where = given(self, { status = given(self, set), source_id = given(self, { "a", "b", "c" }) }),
      }))
      return cursor:token()
   end),
})
scene("resuming", {
   ready = { "client" },
   play = function(self)
      local first <close> = self.client:statuses { limit = 3 }
      if not first() then return end
      self.cursor = self.client:statuses(given(self, { resume = first:token() }))
      for status in self.cursor do home.take(self, self.cursor, status) end
   end,
})
scene("a list with nested and unknown members", {
   ready = { "client" },
   prepare = function()
      home.fault { match = { kind = "list" }, times = 3, extra_members = true, nulls = true, pagination_first = true,
         floats = true }
   end,
   play = function(self)
      self.cursor = self.client:statuses { limit = 3 }
      for status in self.cursor do home.take(self, self.cursor, status) end
   end,
})

-- ---- single calls -------------------------------------------------------------------------------

scene("get_page", {
   ready = { "client" },
   play = function(self)
      local page = result(self, self.client:get_page(given(self, { limit = 5 })))
      if page then for _, status in ipairs(page.data) do home.take(self, page, status) end end
   end,
})
scene("get_status", {
   ready = { "client" },
   play = function(self) result(self, self.client:get_status(self.ids[2], given(self, { timeout = 10 }))) end,
})
scene("delete_status", {
   ready = { "client" }, destroys = true,
   play = function(self) result(self, self.client:delete_status(self.ids[3], given(self, { timeout = 10 }))) end,
})
scene("delete_all_statuses", {
   ready = { "client" }, destroys = true,
   play = function(self) result(self, self.client:delete_all_statuses()) end,
})
scene("the result of a page that is there", {
   ready = { "done" },
   play = function(self)
      local page = result(self, self.done:result())
      if page then for _, status in ipairs(page.data) do home.take(self, page, status) end end
   end,
})
scene("start, step, result", {
   ready = { "client" },
   play = function(self)
      self.request = self.client:start("get_page", given(self, { limit = 6 }))
      while not self.request:done() do self.client:step(0.01) end
      result(self, self.request:result())
   end,
})
local KEY = os.getenv "TORTURE_KEY"
for _, case in ipairs {
   { "an error body in JSON",
      { status = 400, body = '{"code":"bad","message":"the key ' .. KEY .. ' is bad \\u00e4"}' } },
   { "an error body in plain text", { status = 403, body = "no entry for " .. KEY .. " today" } },
   { "an error body that is broken", { status = 404, body = '{"message":"' .. KEY } },
   { "an answer that is not JSON", { status = 200, body = "<html>" .. KEY .. "</html>" } },
   { "an answer of another shape",
      { status = 200, body = '{"data":[{"process_id":7}],"pagination":{"has_next_page":false}}' } },
   { "an answer that is cut", { truncate = { at = 900, length = false } } },
} do
   local name, fault = table.unpack(case)
   fault.times, fault.match = -1, { kind = "list" }
   scene(name, {
      ready = { "client" },
      prepare = function() home.fault(fault) end,
      play = function(self)
         result(self, self.client:get_page { limit = 5 })
         local ok, err = pcall(self.client:statuses { limit = 5 })
         if not ok then home.error(self, err, "the list") end
      end,
   })
end

-- ---- making, counting, telling ------------------------------------------------------------------

scene("a client is made and closed", {
   ready = { "client" },
   play = repeated(2, function(self)
      local third <close> =
         topaz.client(given(self, home.options { on_event = print, user_agent = "torture", max_rate = 50 }))
      return third:stats()
   end),
})
scene("options of Lua's helpers", {
   ready = { "client" },
   play = repeated(4, function(self)
      core.options(given(self, { count = 3.0, text = "a", flag = true, f = print, list = {} }), given(self, {
         given(self, { "count", "integer", 1, 0, 9 }), { "text", "string" }, { "flag", "boolean", true },
         { "f", "function" }, { "list", "table" }, { "rate", "number", 2, 0, 10 },
      }))
   end),
})
scene("stats, tokens and texts", {
   ready = { "client", "cursor", "request", "task", "watcher" },
   play = repeated(3, function(self)
      self.client:stats()
      self.cursor:token()
      self.watcher:token()
      self.watcher:progress()
      for _, member in ipairs(home.members) do
         if rawget(self, member) then tostring(self[member]) end
      end
      tostring(core.error { kind = "timeout", operation = "get_page", message = "a text", attempts = 2,
         process_id = self.ids[1] })
      topaz.is_done(given(self, { status = "Completed" }, self.meddler))
      topaz.options(given(self, { options_json = '{"a":[1,2,{"b":null}],"seed":9007199254740993}' }, self.meddler))
   end),
})
scene("misuse", {
   ready = { "client" },
   play = function(self)
      local client, odd = self.client, setmetatable({ 1, a = 2 }, self.meddler)
      for _, name in ipairs {
         "get_status", "get_page", "delete_status", "start", "statuses", "sleep", "spawn", "wait_until_done", "watch",
         "wait_all", "wait_any", "delete_finished", "step",
      } do
         for _, argument in ipairs { odd, { [odd] = 1 }, { limit = odd }, { where = odd }, { where = { status = odd } },
            { fields = odd } } do
            local ok, err = pcall(client[name], client, argument)
            if not ok then home.error(self, err, name) end
         end
      end
      pcall(topaz.is_done, odd)
      pcall(topaz.options, odd)
      pcall(topaz.client, odd)
   end,
})

-- ---- the Lua layer ------------------------------------------------------------------------------

scene("tasks", {
   ready = { "client" },
   play = function(self)
      local client, tasks = self.client, {}
      for i = 1, 3 do
         tasks[i] = client:spawn(function()
            client:sleep(0.0001)
            self.fire "task"
            return client:get_status(self.ids[i])
         end)
      end
      tasks[4] = client:spawn(function() return tasks[1]:await() end)
      tasks[5] = client:spawn(function()
         for status in client:statuses { limit = 4 } do home.take(self, tasks, status) end
      end)
      client:run()
   end,
})
scene("tasks that are cancelled and that fail in a scope", {
   ready = { "client" },
   play = function(self)
      local client, tasks = self.client, {}
      for i = 1, 4 do
         tasks[i] = client:spawn(function()
            local _ <close> = setmetatable({}, { __close = function() self.fire "__close" end })
            local cursor <close> = client:statuses { limit = 2 }
            cursor()
            if i == 1 then error("boom", 0) end
            for _ in cursor do client:sleep(0.001) end
         end)
      end
      client:step(0)
      client:step(0.01)
      tasks[2]:cancel()
      local _ <close> = tasks[3]
      pcall(client.run, client)
      for _, task in ipairs(tasks) do
         local ok, err = pcall(task.result, task)
         if not ok then home.error(self, err, "a task") end
      end
   end,
})
scene("a scheduler", {
   ready = {},
   play = function(self)
      local scheduler, waiting = {}, {}
      function scheduler.current()
         self.fire "current"
         local co, main = coroutine.running()
         return not main and coroutine.isyieldable() and co or nil
      end
      function scheduler.suspend(_, co)
         self.fire "suspend"
         waiting[co] = true
         coroutine.yield()
      end
      function scheduler.resume(_, co)
         self.fire "resume"
         if waiting[co] and coroutine.status(co) == "suspended" then
            waiting[co] = nil
            assert(coroutine.resume(co))
         end
      end
      function scheduler.attend() self.fire "attend" end
      function scheduler.leave() self.fire "leave" end
      local third = topaz.client(home.options { scheduler = scheduler })
      self.third = third
      local co = coroutine.create(function()
         local ok, err = pcall(function()
            third:get_status(self.ids[1])
            third:sleep(0.0001)
            local request = third:start "get_page"
            request:cancel()
            for status in third:statuses { limit = 4 } do home.take(self, third, status) end
         end)
         if not ok then home.error(self, err, "the guest") end
      end)
      assert(coroutine.resume(co))
      for _ = 1, 500 do
         if coroutine.status(co) == "dead" or not core.is_open(third) then break end
         third:step(0.01)
      end
      third:close()
   end,
})
for _, name in ipairs { "wait_until_done", "wait_all", "wait_any" } do
   scene(name, {
      ready = { "client" },
      play = function(self)
         local ids = name == "wait_until_done" and self.ids[1] or given(self, { self.ids[1], self.ids[2] })
         result(self, self.client[name](self.client, ids, given(self, { timeout = 10, on_progress = function()
            self.fire "on_progress"
         end })))
      end,
   })
end
scene("watch", {
   ready = { "client" },
   play = function(self)
      self.watcher = self.client:watch(given(self, { self.ids[1], self.ids[2], self.ids[4] }), given(self, {
         timeout = 10, on_progress = function() self.fire "on_progress" end,
      }))
      for status in self.watcher do self.last = status end
   end,
})
scene("delete_finished", {
   ready = { "client" }, destroys = true,
   play = function(self)
      result(self, self.client:delete_finished(given(self, {
         status = given(self, { "Completed", "Failed" }), on_progress = function() self.fire "on_progress" end,
      })))
   end,
})
scene("the client is closed under everything", {
   ready = { "client", "cursor", "bystander", "array", "request", "done", "task", "watcher" },
   play = function(self)
      self.client:spawn(function()
         self.client:sleep(5)
         self.fire "closed task"
      end)
      self.client:step(0)
      local _ <close> = self.client
   end,
})
scene("the end of a scope", {
   ready = { "request", "deletion", "cursor", "task", "watcher", "client" }, destroys = true,
   play = function(self)
      local request <close> = self.request -- luacheck: ignore 211
      local deletion <close> = self.deletion -- luacheck: ignore 211
      local task <close> = self.task -- luacheck: ignore 211
      local watcher <close> = self.watcher -- luacheck: ignore 211
      local cursor <close> = self.cursor -- luacheck: ignore 211
      self.cursor()
   end,
})

return scenes
