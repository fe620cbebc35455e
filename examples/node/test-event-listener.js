'use strict';
/*
 * Shows the control events of one service as they come, and who is blocked because of them.
 * Ctrl-C ends it: exit code 0; 1: RabbitMQ was away or went away; 2: wrong configuration.
 *
 *   RABBITMQ_URL=amqp://… SERVICE_NAME=paraphrase_service node test-event-listener.js
 */
const { Blocklist, consume, controlQueues, fail, readConfig, shown } = require('./QUICK_START_EXAMPLE.js');

async function main() {
  const { rabbitmqUrl, service } = readConfig(['rabbitmqUrl']);
  const blocklist = new Blocklist(service);
  let count = 0;

  const connection = await consume(
    rabbitmqUrl,
    {
      ...controlQueues(service),
      [`${service}.usage.limit_exceeded`]: 'usage.limit_exceeded',
      [`${service}.usage.limit_reset`]: 'usage.limit_reset',
    },
    (event) => {
      count += 1;
      const told = event.type.startsWith('service.') ? blocklist.apply(event) : event.data.limit;
      const sequence = Number(event.sequence);
      console.log(`${event.time}  ${event.type.padEnd(20)}  ${event.subject} #${sequence}  ${told}`);
    },
  );
  connection.on('error', fail);
  connection.on('close', () => fail(new Error('RabbitMQ closed the connection.')));

  const end = async () => {
    connection.removeAllListeners('close');
    await connection.close();
    const blocked = [...blocklist.users.keys()].filter((userId) => blocklist.has(userId));
    console.log(`${count} events. Blocked: ${blocked.join(', ') || 'nobody'}`);
    process.exit(0);
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  console.log(`Listening for ${service} at ${shown(rabbitmqUrl)}; Ctrl-C ends`);
}

main().catch(fail);
