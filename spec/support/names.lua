-- Names with addresses of a test's choice, and an address that answers nothing:
-- for what a client does with several addresses. Linux.
--
--   local before = names.preload { ["two.example.test"] = { "127.0.0.2", "127.0.0.1" } }
--   world.script(text, before)      in that process the name has these addresses, in this order
--   local hole <close> = names.black_hole("127.0.0.2", port)
--                                   what connects there hears nothing (SYNs are dropped)
local preload = require "spec.support.preload"
local socket = require "socket"

local names = {}

--- What the shell does before the script: the second argument of world.script.
-- nil where names cannot be had: see preload.lua.
function names.preload(list)
   local words = {}
   for name, addresses in pairs(list) do words[#words + 1] = name .. "=" .. table.concat(addresses, ",") end
   return preload.of("names", ("NAMES='%s'"):format(table.concat(words, " ")))
end

local Hole = {}

function Hole:__close()
   for _, one in ipairs(self) do one:close() end
end

--- An address at which SYNs are dropped: a listener whose queue is full, and that accepts nothing.
function names.black_hole(address, port)
   local listener = assert(socket.tcp4())
   assert(listener:setoption("reuseaddr", true))
   assert(listener:bind(address, port or 0))
   assert(listener:listen(0))
   local hole = setmetatable({ listener }, Hole)
   hole.address, hole.port = address, math.tointeger(select(2, listener:getsockname()))
   for _ = 1, 16 do
      local filler = assert(socket.tcp4())
      hole[#hole + 1] = filler
      filler:settimeout(0)
      filler:connect(address, hole.port)
      local _, ready = socket.select(nil, { filler }, 0.1)
      if not ready[filler] then return hole end -- this one was not answered
   end
   error "the queue of a listener does not fill up"
end

Hole.__index = { close = Hole.__close }

return names
