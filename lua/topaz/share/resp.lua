--- RESP2, the protocol of Redis: encodes commands, and reads replies as their bytes arrive. It
-- knows no connection.
--
--   local reader = resp.reader()
--   reader:feed(bytes)               -- cut anywhere
--   reader:next()                    -- true, reply; false: more bytes are needed; nil, why
--
-- A reply is a string, an integer, a list, { error = "ERR …" }, or nil for null. Inside a list null
-- is false, so that a list has no holes. What is not RESP2, or larger than the limits, ends the
-- reader for good: `next` then gives nil and why, and nothing here ever raises for what was fed.
local resp = {}

--- The limits of a reader.
resp.LIMITS = {
   line = 16384,         -- bytes of a line without its end: simple strings, errors, numbers
   bulk = 4 * 1024 * 1024, -- bytes of one string
   bytes = 32 * 1024 * 1024, -- bytes of all strings of one reply
   elements = 131072,    -- of all lists of one reply
   depth = 16,           -- lists inside one another
}

local Reader = {}
Reader.__index = Reader

--- Makes a reader.
-- @tparam[opt] table limits as resp.LIMITS; those that are missing are taken from there
function resp.reader(limits)
   local own = {}
   for name, value in pairs(resp.LIMITS) do own[name] = limits and limits[name] or value end
   return setmetatable({
      limits = own,
      text = "", at = 1,  -- what was fed, and where the rest begins
      searched = 1,       -- before it there is no end of the line
      parts = nil,        -- the pieces of a string that is not complete, of `have` bytes together
      have = 0, size = nil, -- of the string, without its end
      lists = {}, depth = 0, -- the lists that are open: { list, count, length }
      bytes = 0, elements = 0, -- of the reply so far
      failed = nil,
   }, Reader)
end

--- Adds bytes.
function Reader:feed(bytes)
   if self.failed or bytes == "" then return end
   if self.parts then
      self.parts[#self.parts + 1] = bytes
      self.have = self.have + #bytes
   else
      self.text = self.text:sub(self.at) .. bytes
      self.searched = self.searched - self.at + 1
      self.at = 1
   end
end

local function fail(self, text, ...)
   self.failed = text:format(...)
   self.text, self.parts, self.lists, self.depth = "", nil, {}, 0
end

-- The next line without its end; nil: it is not complete, or not valid.
local function take_line(self)
   local ends = self.text:find("\r", self.searched, true)
   if (ends or #self.text + 1) - self.at > self.limits.line then
      fail(self, "a line is longer than %d bytes", self.limits.line)
      return nil
   end
   if not ends or ends == #self.text then
      self.searched = ends or #self.text + 1
      return nil
   end
   if self.text:byte(ends + 1) ~= 10 then
      fail(self, "a line does not end with CR LF")
      return nil
   end
   local line = self.text:sub(self.at, ends - 1)
   self.at, self.searched = ends + 2, ends + 2
   return line
end

-- A length behind '$' or '*'; -1 is null. nil: not valid.
local function length_of(digits)
   if digits == "-1" then return -1 end
   return digits:find "^%d+$" and #digits <= 10 and math.tointeger(tonumber(digits)) or nil
end

local KINDS = {}

KINDS["+"] = function(_, rest) return rest, true end

KINDS["-"] = function(_, rest) return { error = rest }, true end

KINDS[":"] = function(self, rest)
   local number = rest:find "^[+-]?%d+$" and math.tointeger(tonumber((rest:gsub("^%+", ""))))
   if not number then return fail(self, "an integer is not valid") end
   return number, true
end

-- The string itself follows: see take_string.
KINDS["$"] = function(self, rest)
   local size = length_of(rest)
   if not size then return fail(self, "the length of a string is not valid") end
   if size == -1 then return nil, true end
   self.bytes = self.bytes + size
   if size > self.limits.bulk then return fail(self, "a string is longer than %d bytes", self.limits.bulk) end
   if self.bytes > self.limits.bytes then return fail(self, "a reply is longer than %d bytes", self.limits.bytes) end
   self.size = size
end

KINDS["*"] = function(self, rest)
   local length = length_of(rest)
   if not length then return fail(self, "the length of a list is not valid") end
   if length == -1 then return nil, true end
   self.elements = self.elements + length
   if self.elements > self.limits.elements then
      return fail(self, "a reply has more than %d elements", self.limits.elements)
   end
   if length == 0 then return {}, true end
   if self.depth == self.limits.depth then
      return fail(self, "lists are nested more than %d deep", self.limits.depth)
   end
   self.depth = self.depth + 1
   self.lists[self.depth] = { list = {}, count = 0, length = length }
end

-- The string of `size` bytes; nil: it is not complete, or not valid.
local function take_string(self)
   local size = self.size
   if not self.parts and #self.text - self.at + 1 < size + 2 then
      self.parts, self.have = { self.text:sub(self.at) }, #self.text - self.at + 1
      self.text, self.at, self.searched = "", 1, 1
   end
   if self.parts then
      if self.have < size + 2 then return nil end
      self.text, self.parts = table.concat(self.parts), nil
   end
   local ends = self.at + size
   if self.text:sub(ends, ends + 1) ~= "\r\n" then
      fail(self, "a string does not end with CR LF")
      return nil
   end
   local value = self.text:sub(self.at, ends - 1)
   self.at, self.searched, self.size = ends + 2, ends + 2, nil
   return value
end

-- The next value that is not a list with elements. Second result: whether there is one.
local function take_value(self)
   if not self.size then
      local line = take_line(self)
      if not line then return nil, false end
      local kind = KINDS[line:sub(1, 1)]
      if not kind then
         fail(self, "byte %d is not the beginning of a reply", line:byte() or 13)
         return nil, false
      end
      local value, complete = kind(self, line:sub(2))
      if not self.size then return value, complete or false end
   end
   local value = take_string(self)
   return value, value ~= nil
end

-- Puts a value into the innermost list. Second result: whether the whole reply is complete.
local function place(self, value)
   while self.depth > 0 do
      local open = self.lists[self.depth]
      open.count = open.count + 1
      if value == nil then value = false end
      open.list[open.count] = value
      if open.count < open.length then return nil, false end
      self.lists[self.depth] = nil
      self.depth = self.depth - 1
      value = open.list
   end
   return value, true
end

--- The next reply.
-- @treturn boolean|nil true: there is one; false: more bytes are needed; nil: what was fed is not
-- valid
-- @return the reply; why
function Reader:next()
   while not self.failed do
      local depth = self.depth
      local value, complete = take_value(self)
      if complete then
         value, complete = place(self, value)
         if complete then
            self.bytes, self.elements = 0, 0
            return true, value
         end
      elseif not self.failed and self.depth == depth then
         return false
      end
   end
   return nil, self.failed
end

--- Encodes a command.
-- @tparam table parts its name and its arguments: strings and numbers
function resp.encode(parts)
   local out = { ("*%d\r\n"):format(#parts) }
   for i, part in ipairs(parts) do
      local kind = type(part)
      if kind == "number" then part = math.type(part) == "integer" and tostring(part) or ("%.17g"):format(part) end
      if kind ~= "number" and kind ~= "string" then error(("part %d of a command is a %s"):format(i, kind), 2) end
      out[#out + 1] = ("$%d\r\n"):format(#part)
      out[#out + 1] = part
      out[#out + 1] = "\r\n"
   end
   if #out < 4 then error("a command without a name", 2) end
   return table.concat(out)
end

return resp
