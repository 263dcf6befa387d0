--- A line at the bottom of the terminal that says how far a list has been read, where that takes
-- time: on the output, or where that goes into a file on the error output.
local core = require "topaz.core"
local output = require "topaz.cli.output"
local terminal = require "topaz.terminal"
local text = require "topaz.terminal.text"

local Counter = {}
Counter.__index = Counter

local QUIET = 0.3 -- seconds; a shorter wait needs no counter

-- Not beside a pipe: the program at its other end may show something itself.
local function place(shell)
   if shell.is_terminal then return io.stdout end
   return io.stdout:seek "cur" and io.stderr or nil
end

-- Whether the next page is still to come after a short wait.
local function is_slow(client)
   local deadline = core.now() + QUIET
   while client:stats().pending > 0 do
      local left = deadline - core.now()
      if left <= 0 then return true end
      client:step(left)
   end
   return false
end

-- A page has been read; so many statuses were found until now.
local function page(self, found)
   self.pages = self.pages + 1
   if not self.lines or not is_slow(self.client) then return end
   self.log:hide()
   output.end_line()
   self.lines:draw(function(width)
      return { text.fit(("%d page%s read, %d found"):format(self.pages, self.pages == 1 and "" or "s", found), width) }
   end)
end

--- Iterates over the statuses of a cursor. Between two pages whatever is known is written, before
-- the wait for the next one, and the line is drawn.
function Counter:each(cursor)
   local found = 0
   return function()
      while true do
         local status = cursor:in_page()
         if status then
            found = found + 1
            return status
         elseif status == false then
            return nil
         end
         output.flush()
         page(self, found)
      end
   end
end

--- Removes the line.
function Counter:close()
   if not self.lines then return end
   output.above(nil)
   self.lines:clear()
   self.lines:close()
   self.lines = nil
end

Counter.__close = Counter.close

--- A new counter, which shows nothing where there is no terminal.
-- @param shell
return function(shell)
   local handle = not shell.args.quiet and place(shell)
   local self = setmetatable({
      client = shell:client(), log = shell.log, pages = 0, lines = handle and terminal.open(handle) or nil,
   }, Counter)
   output.above(self.lines)
   return self
end
