--- What the client is doing, on the error output: with --verbose a line for each event of a
-- request; else, on a terminal, one line for as long as it waits to try again.
--
-- Where something else is drawn on the terminal, the line is shown there: draws_in() says so, and
-- with_notice() adds it.
local core = require "topaz.core"
local output = require "topaz.cli.output"
local terminal = require "topaz.terminal"
local text = require "topaz.terminal.text"

local log = {}

local LEAST = 0.5 -- seconds; a shorter wait is not worth a line
local LATE = 10   -- seconds after which a call that was not sent is believed to have been cancelled

-- By the reason of an event.
local REASONS = {
   resolve = "host name not found", connect = "cannot connect", tls = "no trusted TLS connection",
   timeout = "no response in time", lost = "connection lost", proxy = "refused by the proxy",
   protocol = "invalid response", too_large = "response too large",
}

local Log = {}
Log.__index = Log

local function what_of(event)
   local status = event.http_status
   if status and status > 0 and (status >= 300 or not REASONS[event.reason]) then return "HTTP " .. status end
   return REASONS[event.reason] or tostring(event.reason)
end

--- What an event means for a person who waits; nil: nothing.
-- @tparam table event as on_event gets it
-- @tparam[opt=event.delay] number left seconds of the wait that are left
-- @treturn string|nil
function log.notice(event, left)
   if event.type ~= "retry" and event.type ~= "throttle" or event.delay < LEAST then return nil end
   local seconds = text.duration(math.max(1, math.ceil(left or event.delay)))
   if event.type == "retry" then return ("%s, trying again in %s"):format(what_of(event), seconds) end
   return ("%s, requests go on in %s"):format(what_of(event), seconds)
end

--- The line of an event for --verbose.
-- @tparam table event
-- @treturn string
function log.line(event)
   local line = text.safe(event.operation)
   if event.process_id then line = line .. " " .. text.safe(event.process_id) end
   if event.type == "task" then return line .. ": " .. text.safe(event.message or "failed") end
   line = ("%s, attempt %d: "):format(line, event.attempt)
   if event.type == "request" then return line .. "sent" end
   if event.type == "response" then
      local id = event.request_id and ", request " .. text.safe(event.request_id) or ""
      return ("%s%s, %d bytes in %.3f s%s"):format(line, what_of(event), event.bytes, event.seconds, id)
   end
   local after = event.type == "retry" and "trying again in %.1f s" or "all requests wait for %.1f s"
   return ("%s%s, " .. after):format(line, what_of(event), event.delay)
end

-- Whether the terminal may be written to just now.
function Log:has_terminal()
   return not self.screen and terminal.is_terminal(io.stderr) and core.is_foreground()
end

--- Removes the line from the terminal, before something else is written.
function Log:hide()
   if self.shown then io.stderr:write "\r\27[K" end
   self.shown = false
end

-- Writes the line to the terminal.
local function write(self)
   output.clear()
   output.end_line()
   self.shown = true
   local room, ellipsis = math.max(terminal.size() - 1, 1), terminal.is_ascii() and "~" or "…"
   io.stderr:write("\r", text.fit(self.text, room, ellipsis), "\27[K")
   io.stderr:flush()
end

--- Shows the line again, after something else was written.
function Log:again()
   if self.text and not self.shown and not self.lines and self:has_terminal() then write(self) end
end

-- The wait that takes longest, of those that are still on; nil: none is.
local function longest(self)
   local now, found = core.now(), nil
   for call, wait in pairs(self.waits) do
      if wait.deadline + LATE < now then self.waits[call] = nil
      elseif not found or wait.deadline > found.deadline then found = wait end
   end
   return found
end

-- Shows the line of the longest wait, or removes it.
local function show(self)
   local latest, had = longest(self), self.text
   if latest == self.latest then return end
   self.latest = latest
   self.text = latest and log.notice(latest.event, latest.deadline - core.now())
   if self.lines then
      if self.redraw and (had or self.text) then self.redraw() end
   elseif not self.text then
      self:hide()
   elseif self:has_terminal() then
      write(self)
   end
end

local ALL = "all" -- in place of a call: the whole client waits

-- Notes who waits, and who no longer does: a call until it is sent, the client until any is.
local function note(self, event)
   if log.notice(event) then
      self.waits[event.type == "retry" and event.call or ALL] = { event = event, deadline = core.now() + event.delay }
   elseif event.type == "request" then
      self.waits[event.call or ALL], self.waits[ALL] = nil, nil
   end
   show(self)
end

-- An event of the client.
local function on_event(self, event)
   if self.verbose then
      if self.screen and terminal.is_terminal(io.stderr) then return end
      if self.lines then self.lines:clear() end
      output.clear()
      output.end_line()
      io.stderr:write(os.date "%H:%M:%S ", log.line(event), "\n")
      return
   end
   note(self, event)
end

--- The bars, or the whole screen, that are drawn from now on; nil: none.
-- @param[opt] lines of topaz.terminal, with the notice among them
-- @tparam[opt=false] boolean screen
-- @tparam[opt] function redraw called when the notice has changed, where nothing draws by itself
function Log:draws_in(lines, screen, redraw)
   self:hide()
   self.lines, self.screen, self.redraw = lines or nil, screen or nil, redraw
end

--- Lines that end with the notice, where there is one.
-- @tparam table list strings; changed
-- @tparam integer width cells
-- @tparam[opt] function paint (word, text)
-- @treturn table the list
function Log:with_notice(list, width, paint)
   if self.text then
      local notice = text.fit(self.text, width, terminal.is_ascii() and "~" or "…")
      list[#list + 1] = paint and paint("stalled", notice) or notice
   end
   return list
end

--- Lets a client tell what it does.
-- @tparam table client_options get `on_event`, unless nothing is to be told
-- @tparam table settings `verbose`, `quiet`
-- @return the log: `text`, the line to show or nil; hide(), again(), draws_in(lines, screen)
function log.attach(client_options, settings)
   local self = setmetatable({ verbose = settings.verbose, shown = false, waits = {} }, Log)
   if settings.verbose or not settings.quiet then
      client_options.on_event = function(event) on_event(self, event) end
   end
   return self
end

return log
