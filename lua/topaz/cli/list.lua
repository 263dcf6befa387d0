--- topaz-status list: the statuses as they come, none of them kept.
local output = require "topaz.cli.output"
local select = require "topaz.cli.select"
local terminal = require "topaz.cli.terminal"

local FLUSH_EVERY = 0.5 -- seconds; who reads the output in a pipe sees it grow

return function(shell)
   local args = shell.args
   local fields = output.fields(args, shell.is_terminal)
   local cursor <close>, keeps = select.cursor(shell, fields)
   local token = args.resume -- stands behind the last status that was written
   shell.resume = function() return token and shell:again(token) end
   local writer = output.writer(args, {
      terminal = shell.is_terminal, paint = shell.paint, width = shell.is_terminal and terminal.size(), ascii = terminal.is_ascii(),
   })
   local core = require "topaz.core"
   local count, flushed = 0, core.now()
   for status in cursor do
      if keeps(status) then
         writer.add(status)
         count = count + 1
      end
      token = cursor:token()
      if count == args.limit then break end
      if core.now() - flushed > FLUSH_EVERY then
         output.flush()
         flushed = core.now()
      end
   end
   writer.finish()
   shell.resume = nil
   if count == 0 and shell.is_terminal and not (args.json or args.jsonl or args.csv) then output.write "no such statuses\n" end
end
