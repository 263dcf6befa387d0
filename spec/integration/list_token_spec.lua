-- List tokens: a list that is resumed from the text of cursor:token(), and texts that are refused.
local records_of = require "spec.support.records"
local world = require "spec.support.world"

local ids_of, same_set = records_of.ids_of, records_of.same_set

-- A token's text with the check that belongs to it (FNV-1a), whether the text makes sense or not.
local function checked(text)
   local sum = 2166136261
   for i = 1, #text do sum = (sum ~ text:byte(i)) * 16777619 & 0xFFFFFFFF end
   return ("%s.%08x"):format(text, sum)
end

describe("a list token", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client

   before_each(function() client = world.client(emulator()) end)
   after_each(function() client:close() end)

   it("resumes inside a page and between pages", function()
      local ids = emulator():add_jobs { count = 25, status = "Completed" }
      for _, stop in ipairs { 1, 9, 10, 11, 24, 25 } do
         local got = {}
         local cursor <close> = client:statuses { limit = 10 }
         for _ = 1, stop do got[#got + 1] = cursor().process_id end
         local token = cursor:token()
         assert.matches("^topaz1%.[%w%%%-_~.]+$", token)
         assert.is_nil(token:find(emulator().key, 1, true))
         for status in client:statuses { resume = token } do got[#got + 1] = status.process_id end
         same_set(ids, got)
      end
   end)

   it("resumes the plain array", function()
      local ids = emulator():add_jobs { count = 50, status = "Completed" }
      local cursor <close> = client:statuses { paginated = false }
      local got = {}
      for _ = 1, 20 do got[#got + 1] = cursor().process_id end
      for status in client:statuses { resume = cursor:token() } do got[#got + 1] = status.process_id end
      same_set(ids, got)
   end)

   it("gives the page again when the status to resume after is gone, rather than lose one", function()
      local ids = emulator():add_jobs { count = 10, status = "Completed" }
      local cursor <close> = client:statuses { limit = 10, prefetch = 0 }
      local first = cursor().process_id
      local token = cursor:token()
      client:delete_status(first)
      local got = ids_of(client:statuses { resume = token })
      got[#got + 1] = first
      same_set(ids, got)
   end)

   it("gives the plain array from its beginning when the statuses to resume after are gone, to lose none", function()
      local ids = emulator():add_jobs { count = 10, status = "Completed" }
      local cursor <close> = client:statuses { paginated = false }
      local first = cursor().process_id
      client:delete_status(first)
      local got = ids_of(client:statuses { resume = cursor:token() })
      got[#got + 1] = first
      same_set(ids, got)
      assert.equal(3, world.seen(emulator(), "list")) -- read to its end in vain, and again
   end)

   it("keeps a cursor of any bytes", function()
      local cursor = 'v1.a..b%2E /?&="+~é.'
      local function answer(n, pagination)
         emulator():fault { status = 200, headers = { ["Content-Type"] = "application/json" },
            body = ('{"data":[{"process_id":"00000000-0000-4000-8000-%012d","status":"Completed"}],"pagination":{%s}}')
               :format(n, pagination) }
      end
      answer(1, ('"has_next_page":true,"next_cursor":%q'):format(cursor))
      local first <close> = client:statuses { limit = 1, prefetch = 0 }
      assert.is_table(first())
      local token = first:token()
      assert.matches("^topaz1%.[%w%%%-_~.]+$", token)
      -- those between its parts; one names what was given before
      assert.equal(6, select(2, token:gsub("%.", "")))
      answer(2, '"has_next_page":false')
      assert.equal(1, #ids_of(client:statuses { resume = token }))
      local requests = emulator():requests()
      assert.equal(cursor, requests[#requests].args.cursor)
   end)

   it("is refused when its parts are wrong, though its check is right", function()
      assert.equal("topaz1.p.100..", client:statuses():token():sub(1, 14))
      for _, right in ipairs { "topaz1.p.100..", "topaz1.a.100..", "topaz1.p.1.%2E%7F.x", "topaz1.p.5..x.F----------",
         "topaz1.p.5.c.." .. ("0123456789A"):rep(8) } do
         assert.equal(checked(right), client:statuses({ resume = checked(right) }):token())
      end
      for _, wrong in ipairs {
         "topaz1.p.100.%G0.", "topaz1.p.100.%0G.", "topaz1.p.100.%2e.", "topaz1.p.100.%/0.", "topaz1.p.100.%:0.",
         "topaz1.p.100.%@0.",
         -- escapes
         "topaz1.p.100.%00.", "topaz1.p.100.a.%", "topaz1.p.100.a.%4", "topaz1.p.%31%G0.a.", "topaz1.%.100.a.",
         "topaz1.x.100..", "topaz1..100..", "topaz1.pp.100..", "topaz1.p.0..", "topaz1.p.101..", "topaz1.p.-1..",
         "topaz1.p.1000..", "topaz1.p...", "topaz1.p.100." .. ("x"):rep(5000) .. ".",
         "topaz1.p.100.." .. ("x"):rep(200), "topaz1.p.100.", "topaz1.p.100", "topaz1.p.100...", "topaz1.p.100.a.b.c",
         "topaz1.p.100.a.b.0123456789", "topaz1.p.100.a.b.0123456789AB", "topaz1.p.100.a.b.0123456789.",
         "topaz1.p.100.a.b." .. ("0123456789A"):rep(9), "topaz1.p.100.a.b.G----------",
         "topaz1.p.100.a.b.0123456789.0123456789A",
         -- those given before
         "topaz1.p.100.a.b.%123456789A", "topaz1.p.100.a.b.0123456789A.0123456789A",
      } do
         local ok, err = pcall(client.statuses, client, { resume = checked(wrong) })
         assert.is_false(ok, wrong)
         assert.matches("resume.*token", err)
      end
      assert.equal(0, world.seen(emulator()))
   end)

   it("is refused when it is not one of ours", function()
      local token = client:statuses():token()
      for _, wrong in ipairs { "x", "topaz1.p.100...00000000", token .. "0", token:sub(1, -2), token:gsub("100", "101"),
         "topaz2" .. token:sub(7), client:watch({}):token() } do
         local ok, err = pcall(client.statuses, client, { resume = wrong })
         assert.is_false(ok, wrong)
         assert.matches("resume.*token", err)
      end
   end)
end)
