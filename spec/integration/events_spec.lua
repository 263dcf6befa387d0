-- What an event says: when, of which call, of which response.
local core = require "topaz.core"
local world = require "spec.support.world"

describe("an event", function()
   local emulator = world.emulator({ setup = setup, teardown = teardown, before_each = before_each },
      { clock = "virtual" })
   local events

   local function client(more)
      local options = { retry_base = 0, on_event = function(event) events[#events + 1] = event end }
      for name, value in pairs(more or {}) do options[name] = value end
      return world.client(emulator(), options)
   end

   -- "type call attempt" of each, and calls counted from the first.
   local function brief()
      local list, first = {}, events[1].call
      for i, event in ipairs(events) do
         list[i] = ("%s %d %d"):format(event.type, event.call - first, event.attempt)
      end
      return list
   end

   before_each(function() events = {} end)

   it("has the times of this machine, in order", function()
      local one <close> = client()
      local before, clock = core.wall(), core.now()
      assert(one:get_page())
      local after, clock_after = core.wall(), core.now()
      assert.equal(2, #events)
      for _, event in ipairs(events) do
         assert.equal("float", math.type(event.time))
         assert.is_true(before <= event.time and event.time <= after)
         assert.is_true(clock <= event.clock and event.clock <= clock_after)
      end
      assert.is_true(events[1].clock <= events[2].clock)
   end)

   it("has the number of its call, the same for each attempt", function()
      local one <close> = client()
      local request = one:start("get_page")
      assert(request:result())
      assert.equal(request:id(), events[1].call)
      emulator():fault { status = 503, times = 1 }
      assert(one:get_page())
      assert.same({ "request 0 1", "response 0 1", "request 1 1", "response 1 1", "retry 1 1", "request 1 2",
         "response 1 2" }, brief())
   end)

   it("has the server's id of the request once there is a response, the one of that attempt", function()
      local one <close> = client()
      emulator():fault { status = 503, times = 1, headers = { ["X-Request-Id"] = "first-1" } }
      emulator():fault { status = 429, times = 1, headers = { ["X-Request-Id"] = "second-2", ["Retry-After"] = "0" } }
      assert(one:get_page())
      local ids = {}
      for i, event in ipairs(events) do
         ids[i] = event.type .. " " .. (event.request_id or "-")
      end
      assert.same({ "request -", "response first-1", "retry first-1", "request -", "response second-2",
         "throttle second-2", "retry second-2", "request -" }, table.move(ids, 1, 8, 1, {}))
      assert.equal("response", events[9].type)
      assert.not_equal("second-2", events[9].request_id)
   end)

   it("never shows the key, which a server may use as its id", function()
      local one <close> = client { max_retries = 0 }
      emulator():fault { status = 500, headers = { ["X-Request-Id"] = emulator().key } }
      assert.is_nil((one:get_page()))
      assert.is_nil(events[2].request_id:find(emulator().key, 1, true))
      assert.matches("%*", events[2].request_id)
   end)

   it("has the server's id as an error has it, whatever bytes it is made of", function()
      local one <close> = client { max_retries = 0 }
      for _, id in ipairs { "a\xFFb", "x\u{202E}y", "z\u{200B}", ("\xFE"):rep(200) } do
         emulator():fault { status = 500, headers = { ["X-Request-Id"] = id } }
         local _, err = one:get_page()
         assert.matches("^[%w\\{}]+$", err.request_id)
         assert.equal(err.request_id, events[#events].request_id)
      end
   end)

   it("of a failed task has its time", function()
      local one <close> = client()
      local before = core.wall()
      one:spawn(function() error "on purpose" end)
      one:step(0)
      one:step(0)
      local event = events[#events]
      assert.equal("task", event.type)
      assert.is_true(before <= event.time and event.time <= core.wall())
      assert.equal("float", math.type(event.clock))
   end)
end)
