self.onmessage = ({ data: { id, args } }) => self.postMessage({ id, value: { x: args[0] } });
