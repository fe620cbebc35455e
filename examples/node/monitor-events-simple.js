'use strict';
/*
 * Shows every event that the payment service publishes. It listens with a queue of its own that is
 * gone when it ends, so it takes nothing away from anybody. Ctrl-C ends it and prints the counts.
 * Exit code 0: ended; 1: RabbitMQ was away or went away; 2: wrong configuration.
 *
 *   RABBITMQ_URL=amqp://… node monitor-events-simple.js [pattern]
 */
const amqp = require('amqplib');
const { EXCHANGE, fail, readConfig, shown } = require('./QUICK_START_EXAMPLE.js');

async function main() {
  const { rabbitmqUrl } = readConfig(['rabbitmqUrl']);
  const pattern = process.argv[2] || '#';
  const counts = new Map();

  const connection = await amqp.connect(rabbitmqUrl);
  connection.on('error', fail);
  connection.on('close', () => fail(new Error('RabbitMQ closed the connection.')));
  const channel = await connection.createChannel();
  await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
  const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true, durable: false });
  await channel.bindQueue(queue, EXCHANGE, pattern);
  await channel.consume(
    queue,
    (message) => {
      if (message === null) return;
      const key = message.fields.routingKey;
      counts.set(key, (counts.get(key) || 0) + 1);
      let event;
      try {
        event = JSON.parse(message.content.toString());
      } catch {
        console.log(`${key}  not JSON: ${message.content.length} bytes`);
        return;
      }
      const level = message.properties.headers?.['x-class'] || '';
      const data = JSON.stringify(event.data);
      console.log(`${event.time}  ${level.padEnd(8)}  ${key}  ${event.subject}  ${data}`);
    },
    { noAck: true },
  );

  const end = async () => {
    connection.removeAllListeners('close');
    await connection.close();
    for (const [key, count] of [...counts].sort()) console.log(`${String(count).padStart(8)}  ${key}`);
    process.exit(0);
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  console.log(`Monitoring ${EXCHANGE} at ${shown(rabbitmqUrl)}; Ctrl-C ends`);
}

main().catch(fail);
