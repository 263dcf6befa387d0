-- What topaz-status says of the client's events.
local log = require "topaz.cli.log"

local function event(changes)
   local e = { type = "retry", operation = "get_page", attempt = 1, http_status = 503, reason = "http_status",
      delay = 2.4, seconds = 0.25, bytes = 39 }
   for name, value in pairs(changes or {}) do e[name] = value or nil end
   return e
end

describe("the log of topaz-status", function()
   it("has a notice for each wait that is long enough to be noticed", function()
      assert.equal("HTTP 503, trying again in 3s", log.notice(event()))
      assert.equal("connection lost, trying again in 1m",
         log.notice(event { http_status = false, reason = "lost", delay = 60 }))
      assert.equal("refused by the proxy, trying again in 1s",
         log.notice(event { http_status = false, reason = "proxy", delay = 0.5 }))
      assert.equal("HTTP 429, requests go on in 1m 30s", log.notice(event { type = "throttle", http_status = 429,
         delay = 90 }))
      assert.is_nil(log.notice(event { delay = 0.4 }))
      assert.is_nil(log.notice(event { type = "request", delay = 0 }))
      assert.is_nil(log.notice(event { type = "response", delay = 0 }))
   end)

   it("has a line for each event with --verbose, which steers no terminal", function()
      assert.equal("get_page, attempt 1: HTTP 503, trying again in 2.4 s", log.line(event()))
      assert.equal("get_page, attempt 1: sent", log.line(event { type = "request", http_status = false }))
      assert.equal("get_status 6b3a, attempt 2: HTTP 200, 39 bytes in 0.250 s",
         log.line(event { type = "response", operation = "get_status", process_id = "6b3a", attempt = 2,
            http_status = 200 }))
      assert.equal("get_page, attempt 1: cannot connect, 0 bytes in 0.250 s",
         log.line(event { type = "response", http_status = false, reason = "connect", bytes = 0 }))
      assert.equal("get_page, attempt 1: HTTP 429, all requests wait for 2.4 s",
         log.line(event { type = "throttle", http_status = 429 }))
      assert.equal("task: a\\e[31m", log.line { type = "task", operation = "task", message = "a\27[31m" })
   end)

   describe("has the line of a call", function()
      local o, one
      before_each(function()
         o = {}
         one = log.attach(o, {})
      end)

      local function tell(kind, call, changes)
         local e = event(changes)
         e.type, e.call = kind, call
         o.on_event(e)
      end

      it("until that call is sent again, whatever becomes of others", function()
         tell("retry", 1)
         tell("request", 2)
         tell("response", 2, { http_status = 200 })
         tell("request", 2, { attempt = 2 })
         assert.equal("HTTP 503, trying again in 3s", one.text)
         tell("request", 1, { attempt = 2 })
         assert.is_nil(one.text)
      end)

      it("that waits longest where several wait", function()
         tell("retry", 1)
         tell("retry", 2, { delay = 9, http_status = 500 })
         tell("retry", 3, { delay = 2.9 })
         assert.equal("HTTP 500, trying again in 9s", one.text)
         tell("request", 2, { attempt = 2 })
         assert.matches("^HTTP 503, trying again in [23]s$", one.text)
         tell("request", 3, { attempt = 2 })
         tell("request", 1, { attempt = 2 })
         assert.is_nil(one.text)
      end)

      it("or that of all calls, until one is sent", function()
         tell("throttle", 1, { http_status = 429, delay = 5 })
         assert.equal("HTTP 429, requests go on in 5s", one.text)
         tell("response", 3, { http_status = 200 })
         assert.equal("HTTP 429, requests go on in 5s", one.text)
         tell("request", 2)
         assert.is_nil(one.text)
      end)

      it("not long after it should have been sent: it may have been cancelled", function()
         tell("retry", 1, { delay = 0.6 })
         one.latest.deadline = one.latest.deadline - 60
         tell("response", 2, { http_status = 200 })
         assert.is_nil(one.text)
      end)
   end)

   it("listens unless it is to be quiet", function()
      for quiet, expected in pairs { [true] = "nil", [false] = "function" } do
         local o = {}
         log.attach(o, { quiet = quiet })
         assert.equal(expected, type(o.on_event))
      end
   end)
end)
