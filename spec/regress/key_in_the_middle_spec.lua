-- A server sent the key back as a member's name in front of broken JSON. The name was cut to what
-- a message holds, and only a whole key or a beginning at the end of the text was hidden: 63 bytes
-- of 99 stood in the middle of the message. So any part of 8 bytes is hidden anywhere.
local topaz = require "topaz"
local world = require "spec.support.world"

local KEY = "sk-secret0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789-zyxwvutsrqponml"
local ID = "00000000-0000-4000-8000-000000000001"

-- The longest part of the key that the text shows.
local function shown(text)
   text = text:lower()
   local key, most = KEY:lower(), ""
   for i = 1, #key do
      while text:find(key:sub(i, i + #most), 1, true) and i + #most <= #key do most = key:sub(i, i + #most) end
   end
   return most
end

describe("the key", function()
   local emulator = world.emulator({ setup = setup, teardown = teardown, before_each = before_each },
      { clock = "virtual", key = KEY })

   local function record(more) return ('{"process_id":"%s","status":"Completed"%s}'):format(ID, more) end

   for name, fault in pairs {
      ["a member's name"] = { status = 200, body = record((',"%s": nul'):format(KEY)) },
      ["a deeper name"] = { status = 200, body = record((',"a":{"%s":{"b":[1,}}'):format(KEY)) },
      ["an escaped name"] = { status = 200, body = record((',"%s": nul'):format(KEY:gsub("-", "\\u002d"))) },
      ["a process_id"] = { status = 200, body = ('{"process_id":"%s","status":"Completed"}'):format(KEY) },
      ["a status of another type"] = { status = 200, body = ('{"process_id":"%s","status":["%s"]}'):format(ID, KEY) },
      ["a message in capitals"] = { status = 400, body = ('{"message":"you sent %s"}'):format(KEY:upper()) },
      ["a message with line breaks"] = {
         status = 400, body = ('{"message":"%s\\n%s\\u0000%s"}'):format(KEY:sub(1, 30), KEY:sub(31, 60), KEY:sub(61)),
      },
      ["the end of a message"] = { status = 400, body = ('{"message":"%s %s"}'):format(("x"):rep(150), KEY) },
      ["a part of a message"] = { status = 400, body = ('{"message":"key %s… is wrong"}'):format(KEY:sub(20, 40)) },
      ["a body that is not JSON"] = { status = 200, body = "denied: " .. KEY },
      ["a host name"] = { status = 302, headers = { Location = "https://" .. KEY .. ".example.com/" } },
      ["a request id"] = { status = 500, body = "", headers = { ["X-Request-Id"] = ("r"):rep(60) .. KEY } },
   } do
      it("does not show in " .. name, function()
         emulator():fault(fault)
         local client <close> = topaz.client { api_key = KEY, base_url = emulator().url, max_retries = 0 }
         local _, err = client:get_status(ID)
         local part = shown(tostring(err) .. "\n" .. tostring(err.request_id))
         assert.is_true(#part < 8, part .. " in " .. tostring(err))
      end)
   end
end)
